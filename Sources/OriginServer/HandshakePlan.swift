// What the listener `faults` does instead of a plain TLS handshake, or in the middle of one. Pure. The client spells
// it in the name it indicates, the only thing of its own that the origin sees before the handshake.

/// Words in front of `.fault.test`, one a label: those of ``SpelledWord`` and
///
/// | word | what happens |
/// |---|---|
/// | `drip-SIZE-MS` | the origin's side of the handshake leaves in pieces of SIZE bytes, MS milliseconds apart |
/// | `first-N` | only the first N bytes of the origin's side leave; then come the words behind |
/// | `tickets-N` | so many session tickets |
/// | `certificate` | a certificate of the client is demanded |
/// | `old` | nothing newer than TLS 1.1 is spoken |
///
/// Steps before `first`, or all of them, come before the handshake. With an ending and no `first` there is none.
package struct HandshakePlan: Equatable {
  /// How the origin's bytes leave.
  package struct Pace: Equatable {
    package var size: Int
    package var milliseconds: Int

    package init(size: Int, milliseconds: Int) {
      self.size = size
      self.milliseconds = milliseconds
    }
  }

  static let suffix = ".fault.test"

  package var before: [Step] = []
  package var pace: Pace?
  /// After so many bytes of the origin's side the handshake stops.
  package var cut: Int?
  package var after: [Step] = []
  /// Nil: the connection is served once the handshake is complete.
  package var ending: Ending?
  package var tickets: Int?
  package var demandsCertificate = false
  package var isOld = false

  package init() {}

  /// Nil if the name spells none.
  package init?(name: String) {
    guard name.hasSuffix(Self.suffix) else { return nil }
    for word in name.dropLast(Self.suffix.count).split(separator: ".", omittingEmptySubsequences: false) {
      guard ending == nil, add(word) else { return nil }
    }
    // A handshake that stops half way has to end somehow.
    guard cut == nil || ending != nil else { return nil }
  }

  /// Whether TLS is spoken at all.
  package var speaksTLS: Bool { cut != nil || ending == nil }

  private mutating func add(_ word: Substring) -> Bool {
    let parts = word.split(separator: "-", omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("certificate", 1): demandsCertificate = true
    case ("old", 1): isOld = true
    case ("tickets", 2):
      guard let count = decimal(parts[1], limit: 1_000) else { return false }
      tickets = count
    case ("first", 2):
      guard cut == nil, let count = decimal(parts[1], limit: ScriptLimit.headBytes) else { return false }
      cut = count
    case ("drip", 3):
      guard let size = decimal(parts[1], limit: ScriptLimit.headBytes), size > 0,
        let wait = decimal(parts[2], limit: ScriptLimit.milliseconds)
      else { return false }
      pace = Pace(size: size, milliseconds: wait)
    default:
      switch SpelledWord(word) {
      case .step(let step) where cut == nil: before.append(step)
      case .step(let step): after.append(step)
      case .ending(let ending): self.ending = ending
      case nil: return false
      }
    }
    return true
  }
}
