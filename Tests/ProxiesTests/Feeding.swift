import FetchModel
import Proxies

func octets(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ octets: some Sequence<UInt8>) -> String { String(decoding: Array(octets), as: UTF8.self) }

/// What a proxy does in one turn: it waits for these bytes, then it sends those.
struct Turn {
  let expected: [UInt8]
  let answer: [UInt8]

  init(_ expected: [UInt8], _ answer: [UInt8]) {
    self.expected = expected
    self.answer = answer
  }
}

/// A conversation up to its end, with answers in pieces of that many bytes: what came of it, and whether the client
/// said what was expected, no more and no less.
func converse(_ tunnel: ProxyTunnel, _ turns: [Turn], pieceBytes: Int) -> (progress: TunnelProgress, said: Bool) {
  var tunnel = tunnel
  var said = true
  var progress = TunnelProgress.needsMore
  for turn in turns {
    if tunnel.takeOutput() != turn.expected { said = false }
    for start in stride(from: 0, to: turn.answer.count, by: pieceBytes) {
      guard progress == .needsMore else { return (progress, false) }
      progress = tunnel.receive(turn.answer[start..<min(start + pieceBytes, turn.answer.count)])
    }
  }
  return (progress, said && tunnel.takeOutput().isEmpty)
}

extension ProxyTunnel {
  mutating func receive(_ bytes: some Collection<UInt8>) -> TunnelProgress {
    let array = Array(bytes)
    return receive(array.span)
  }
}
