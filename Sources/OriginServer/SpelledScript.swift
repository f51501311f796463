// Scripts that the client spells out itself, so that a table of faults can be written where it is read: in the tests.
// Pure.

/// One word of a spelled script: a name and its arguments, joined by `-`; bytes are hexadecimal.
///
/// | word | what happens |
/// |---|---|
/// | `send-BYTES` | the bytes leave as they are |
/// | `pieces-SIZE-MS-BYTES` | in writes of SIZE bytes, MS milliseconds apart |
/// | `again-N-BYTES`, `flood-BYTES` | N times; until the peer has had enough |
/// | `wait-MS`, `silence` | nothing; the peer's close ends the script |
/// | `below-BYTES` | past TLS, straight into the socket |
/// | `notify`, `alert`, `rekey`, `renegotiate` | close_notify; a fatal alert; KeyUpdate; HelloRequest |
/// | `open`, `close`, `unclean`, `reset` | the ending, which has to be the last word |
enum SpelledWord: Equatable {
  case step(Step)
  case ending(Ending)

  /// Nil if it is none.
  init?(_ word: Substring) {
    let parts = word.split(separator: "-", omittingEmptySubsequences: false)
    switch (parts[0], parts.count) {
    case ("open", 1): self = .ending(.keepAlive)
    case ("close", 1): self = .ending(.close)
    case ("unclean", 1): self = .ending(.closeWithoutNotify)
    case ("reset", 1): self = .ending(.reset)
    default:
      guard let step = Step(name: parts[0], arguments: parts.dropFirst()) else { return nil }
      self = .step(step)
    }
  }
}

extension Step {
  fileprivate init?(name: Substring, arguments: ArraySlice<Substring>) {
    switch (name, arguments.count) {
    case ("silence", 0): self = Script.silence
    case ("notify", 0): self = .tls(.closeNotify)
    case ("alert", 0): self = .tls(.alert)
    case ("rekey", 0): self = .tls(.updateKeys)
    case ("renegotiate", 0): self = .tls(.askForHandshake)
    case ("wait", 1):
      guard let wait = decimal(arguments.first, limit: ScriptLimit.milliseconds) else { return nil }
      self = .wait(milliseconds: wait)
    case ("send", 1), ("below", 1), ("flood", 1), ("again", 2), ("pieces", 3):
      guard let bytes = arguments.last.flatMap(hexDecoded), !bytes.isEmpty else { return nil }
      self.init(name: name, numbers: arguments.dropLast(), bytes: bytes)
    default:
      return nil
    }
  }

  private init?(name: Substring, numbers: ArraySlice<Substring>, bytes: [UInt8]) {
    switch name {
    case "send": self = .send(bytes)
    case "below": self = .tls(.below(bytes))
    case "flood": self = .again(bytes, times: .max)
    case "again":
      guard let times = decimal(numbers.first, limit: ScriptLimit.bytes) else { return nil }
      self = .again(bytes, times: times)
    default:
      guard let size = decimal(numbers.first, limit: ScriptLimit.bytes), size > 0,
        let wait = decimal(numbers.last, limit: ScriptLimit.milliseconds)
      else { return nil }
      self = .pieces(bytes, size: size, milliseconds: wait)
    }
  }
}

extension Script {
  /// `/play/WORD/WORD/…`: steps and then an ending. Nil if the path is used wrongly.
  package static func spelled(_ target: RequestTarget) -> Script? {
    var steps: [Step] = []
    let words = target.segments.dropFirst()
    for (index, word) in words.enumerated() {
      switch SpelledWord(word) {
      case .step(let step): steps.append(step)
      case .ending(let ending): return index == words.count - 1 ? Script(steps: steps, ending: ending) : nil
      case nil: return nil
      }
    }
    return nil
  }
}

/// A decimal number of at most `limit`.
func decimal(_ text: Substring?, limit: Int) -> Int? {
  guard let text, !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text) else {
    return nil
  }
  return value <= limit ? value : nil
}

/// The bytes of an even number of hexadecimal digits.
func hexDecoded(_ text: Substring) -> [UInt8]? {
  var bytes: [UInt8] = []
  var digits = text.utf8.makeIterator()
  while let first = digits.next() {
    guard let high = hexValue(first), let low = digits.next().flatMap(hexValue) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}
