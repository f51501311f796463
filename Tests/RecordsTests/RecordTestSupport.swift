import Foundation
import Records

/// A seeded generator (SplitMix64), so that a failing case can be run again from its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// Up to `maximum` bytes, from a set that makes escapes, UTF-8 and invalid sequences all likely.
  mutating func bytes(upTo maximum: Int) -> [UInt8] {
    let pieces: [[UInt8]] = [
      Array("abcdefgh".utf8), [0x0A], [0x00], [0x22], [0x5C], [0x7F], [0x1F], Array("é".utf8), Array("漢".utf8),
      Array("😀".utf8), [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9], [0xE2, 0x80, 0xA7], [0xFF], [0xC3],
      Array("/path/of/some/length?query=1".utf8), Array("x".utf8),
    ]
    // Without the two invalid pieces every other time, else long texts would never be valid.
    let usable = Bool.random(using: &self) ? pieces : pieces.filter { $0 != [0xFF] && $0 != [0xC3] }
    var bytes: [UInt8] = []
    let count = Int.random(in: 0...maximum, using: &self)
    while bytes.count < count { bytes += usable[Int.random(in: 0..<usable.count, using: &self)] }
    return bytes
  }
}

/// A rendered line: its bytes, and what a JSON reader makes of it.
struct Line {
  let bytes: [UInt8]
  let returnedLength: Int
  /// nil if it is no JSON object.
  let object: [String: Any]?

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func string(_ key: String) -> String? { object?[key] as? String }

  /// The text of a value, scalar by scalar: `==` of strings would take different bytes for the same.
  func scalars(_ key: String) -> [Unicode.Scalar]? { string(key).map { Array($0.unicodeScalars) } }

  func number(_ key: String) -> Int? { (object?[key] as? NSNumber)?.intValue }

  var isAccepted: Bool { isAccepted(as: UInt64(clamping: number("seq") ?? -1)) }

  func isAccepted(as seq: UInt64) -> Bool { isWellFormedLine(bytes.span, seq: seq) }
}

/// Renders one record into a block of its own.
func line(
  _ fields: borrowing RecordFields,
  agent: String = "web1-3f9c",
  url: [UInt8]? = nil,
  head: [UInt8] = [],
  body: [UInt8]? = nil
) -> Line {
  var writer = RecordWriter(agent: Array(agent.utf8))
  var block: [UInt8] = []
  let length = append(fields, with: &writer, url: url, head: head, body: body, to: &block)
  let object = try? JSONSerialization.jsonObject(with: Data(block)) as? [String: Any]
  return Line(bytes: block, returnedLength: length, object: object)
}

/// `RecordWriter.append` for arrays that may be missing.
func append(
  _ fields: borrowing RecordFields,
  with writer: inout RecordWriter,
  url: [UInt8]?,
  head: [UInt8],
  body: [UInt8]?,
  to block: inout [UInt8]
) -> Int {
  switch (url, body) {
  case (let url?, let body?): writer.append(fields, url: url.span, head: head.span, body: body.span, to: &block)
  case (let url?, nil): writer.append(fields, url: url.span, head: head.span, to: &block)
  case (nil, let body?): writer.append(fields, url: nil, head: head.span, body: body.span, to: &block)
  case (nil, nil): writer.append(fields, url: nil, head: head.span, to: &block)
  }
}

/// What a text must come back as: itself if it is UTF-8, else Latin-1. Written without the module's own code.
func expectedScalars(_ bytes: [UInt8]) -> [Unicode.Scalar] {
  guard let text = String(validating: bytes, as: UTF8.self) else { return bytes.map { Unicode.Scalar($0) } }
  return Array(text.unicodeScalars)
}

/// Fields whose texts come from one head; adds the positions while the head grows.
struct HeadBuilder {
  var bytes: [UInt8] = []

  mutating func add(_ text: [UInt8]) -> Range<Int> {
    let start = bytes.count
    bytes += text
    return start..<bytes.count
  }

  mutating func add(_ text: String) -> Range<Int> { add(Array(text.utf8)) }
}
