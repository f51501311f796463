/// One going over the rows of a job: the first over all of them, later ones over those that failed. Each has files
/// of its own, because those of a pass that has ended never change.
package enum Pass: Hashable, Sendable {
  case main
  /// Counted from 1.
  case retry(Int)

  package var resultsName: String { "results\(infix).jsonl" }
  package var indexName: String { "results\(infix).idx" }
  package var summaryName: String { "summary\(infix).json" }

  package var journalName: String {
    switch self {
    case .main: "journal"
    case .retry(let number): "journal.retry-\(number)"
    }
  }

  /// The one that comes after this.
  package var next: Pass {
    switch self {
    case .main: .retry(1)
    case .retry(let number): .retry(number + 1)
    }
  }

  private var infix: String {
    switch self {
    case .main: ""
    case .retry(let number): ".retry-\(number)"
    }
  }

  /// The first pass and every later one whose files are there, oldest first.
  static func all(in files: any FileLayer) throws(JobStoreError) -> [Pass] {
    var passes = [Pass.main]
    while true {
      let candidate = passes[passes.count - 1].next
      var isThere = false
      for name in [candidate.resultsName, candidate.indexName, candidate.journalName] where !isThere {
        isThere = try OpenFile.openIfPresent(name, in: files) != nil
      }
      guard isThere else { return passes }
      passes.append(candidate)
    }
  }
}
