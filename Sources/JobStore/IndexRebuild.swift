import FetchModel
import Records

/// Makes the index of a pass anew from its lines, up to a torn end, and puts it in place whole. Refuses where a line is
/// damaged that has records behind it: a recovery would cut those that the new index does not cover.
package func rebuildIndex(of pass: Pass, in files: any FileLayer) throws(JobStoreError) {
  guard let results = try OpenFile.openIfPresent(pass.resultsName, in: files) else { return }
  try refuseDamagedLines(results, from: 0)
  let temporary = ".\(pass.indexName).new"
  try files.removeIfPresent(temporary)
  let file = try OpenFile.open(temporary, .creating, in: files)
  var bytes: [UInt8] = []
  IndexHeader(identifier: try identifier(of: pass, in: files)).append(to: &bytes)
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
  // The index must not speak of lines that are not durable.
  try results.synchronize()
  try file.synchronize()
  try files.move(temporary, to: pass.indexName)
  try files.makeNamesDurable()
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
