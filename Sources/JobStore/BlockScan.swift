import FetchModel
import Records

/// The blocks of the index, then those that the whole lines behind it would make.
func forEachBlock(
  of pass: Pass,
  in files: any FileLayer,
  _ body: (IndexBlock) -> Void
) throws(JobStoreError) {
  guard let results = try OpenFile.openIfPresent(pass.resultsName, in: files) else { return }
  let size = try results.size()
  var block = IndexBlock(offset: 0, columns: [])
  var covered: UInt64 = 0
  if let file = try OpenFile.openIfPresent(pass.indexName, in: files) {
    var index = try IndexReader(file)
    while try index.next(&block, within: size) { body(block) }
    covered = index.linesEnd
  }
  var records = RecordReader(results, from: covered, to: size)
  block = IndexBlock(offset: covered, columns: [])
  while case .record(let record) = try records.next() {
    block.columns.append(record.column)
    if block.columns.count == IndexBlock.maximumRows {
      body(block)
      block = IndexBlock(offset: block.end, columns: [])
    }
  }
  if !block.columns.isEmpty { body(block) }
}
