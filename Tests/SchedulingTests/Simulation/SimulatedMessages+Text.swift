import FetchModel
import Scheduling

/// Messages as a story tells them: one short line each.

extension SimulatedRow: CustomStringConvertible {
  var description: String {
    let kind = mustNotRepeat ? "!" : ""
    return "\(seq)\(kind)@\(origin)" + (redirect == nil ? "" : ">")
  }
}

extension SimulatedBlock: CustomStringConvertible {
  var description: String {
    switch self {
    case .results(let columns):
      "results " + columns.map { "\($0.seq)=\($0.failure.map { "\($0)" } ?? "\($0.status)")" }.joined(separator: " ")
    case .deferrals(let deferrals):
      "deferrals " + deferrals.map { "\($0.seq)=\($0.failure.map { "\($0)" } ?? "\($0.cause)")" }.joined(separator: " ")
    }
  }
}

extension AgentMessage.Body: CustomStringConvertible {
  var description: String {
    switch self {
    case .hello(_, let nonce, let holdings):
      "hello \(nonce % 1000) with "
        + holdings.map { "\($0.connections) of \($0.origin): \($0.rows)" }.joined(separator: ", ")
    case .beat: "beat"
    case .block(let number, let block): "block \(number), \(block)"
    case .lowered(let grants): "lowered " + grants.map { "\($0.origin) to \($0.connections)" }.joined(separator: ", ")
    case .pause(let origin, let milliseconds): "origin \(origin) wants a pause of \(milliseconds) ms"
    case .draining: "draining"
    case .goodbye: "goodbye"
    }
  }
}

extension CoordinatorMessage: CustomStringConvertible {
  var description: String { "\(body) (\(epoch).\(session) no. \(number))" }
}

extension CoordinatorMessage.Body: CustomStringConvertible {
  var description: String {
    switch self {
    case .welcome(let nonce, let renumbered):
      "welcome \(nonce % 1000), renumbered \(renumbered.map { "\($0.held) to \($0.origin)" })"
    case .echo: "echo"
    case .helloAgain(let isSuperseded): isSuperseded ? "hello again, superseded" : "hello again"
    case .work(let shares, let rows):
      "work, shares [\(shares.map { "\($0.origin)=\($0.connections)" }.joined(separator: " "))], rows \(rows)"
    case .recall(let recall): "recall of \(recall.origin): \(recall.seqs)"
    case .acknowledgement(let block): "acknowledged to \(block)"
    }
  }
}
