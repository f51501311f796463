import FetchModel
import Records

/// Makes the index of a pass anew from its lines, up to a torn end, and puts it in place whole. Refuses where a line is
/// damaged that has records behind it: a recovery would cut those that the new index does not cover.
package func rebuildIndex(of pass: Pass, in files: any FileLayer) throws(JobStoreError) {
  guard let results = try OpenFile.openIfPresent(pass.resultsName, in: files) else { return }
  try refuseDamagedLines(results, from: 0)
  let identifier = try identifier(of: pass, in: files)
  try files.replace(pass.indexName, durably: true) { (file) throws(JobStoreError) in
    try writeIndex(of: results, identifier, to: file)
    // The index must not speak of lines that are not durable.
    try results.synchronize()
  }
}

private func writeIndex(of results: OpenFile, _ identifier: [UInt8], to file: OpenFile) throws(JobStoreError) {
  var bytes: [UInt8] = []
  IndexHeader(identifier: identifier).append(to: &bytes)
  var block = IndexBlock(offset: 0, columns: [])
  var records = RecordReader(results, from: 0, to: try results.size())
  while case .record(let record) = try records.next() {
    block.columns.append(record.column)
    guard block.columns.count == IndexBlock.maximumRows else { continue }
    block.append(to: &bytes)
    block = IndexBlock(offset: block.end, columns: [])
    try file.append(bytes)
    bytes.removeAll(keepingCapacity: true)
  }
  if !block.columns.isEmpty { block.append(to: &bytes) }
  try file.append(bytes)
}

/// From the journal, else from the index there is; zeros if neither can be read.
private func identifier(of pass: Pass, in files: any FileLayer) throws(JobStoreError) -> [UInt8] {
  if let file = try OpenFile.openIfPresent(pass.journalName, in: files) {
    var journal = try JournalReader(file)
    while let entry = try journal.next() { if case .began(let name, _) = entry { return name } }
  }
  if let file = try OpenFile.openIfPresent(pass.indexName, in: files) {
    let index = try IndexReader(file)
    if let header = index.header { return header.identifier }
  }
  return [UInt8](repeating: 0, count: 16)
}
