import Foundation

/// A coordinator by hand, of one agent: speaks ZMTP 3.0 (rfc.zeromq.org/spec/23) with the NULL mechanism as a ROUTER
/// over plain TCP, so that tests can end it between any two messages.
final class RawCoordinator {
  /// What the field numbers mean stands in protos/trawl/v1/control.proto.
  struct Message {
    let session: UInt64
    let body: ProtobufFields
    /// The field that the body is in.
    let kind: Int
    let bulk: [[UInt8]]
  }

  static let hello = 2
  static let results = 4
  static let jobReport = 8

  private let client: Client
  private let epoch: UInt64
  private var sequence: UInt64 = 0

  /// Waits for an agent and shakes hands.
  init(_ listener: Listener, epoch: UInt64) throws {
    client = try listener.accept(within: 30)
    self.epoch = epoch
    try client.greet(as: "ROUTER")
    // Its own READY.
    _ = try receiveFrame()
  }

  // MARK: Frames

  private func receiveFrame() throws -> (bytes: [UInt8], hasMore: Bool) {
    let flags = try client.receive(exactly: 1)[0]
    let sizeBytes = try client.receive(exactly: flags & 0x02 != 0 ? 8 : 1)
    let size = sizeBytes.reduce(0) { $0 << 8 | Int($1) }
    guard size < 1 << 20 else { throw Trouble("a frame of \(size) bytes") }
    return (size == 0 ? [] : try client.receive(exactly: size), flags & 0x01 != 0)
  }

  private func receive() throws -> Message {
    let control = try receiveFrame()
    var bulk: [[UInt8]] = []
    var hasMore = control.hasMore
    while hasMore {
      let frame = try receiveFrame()
      bulk.append(frame.bytes)
      hasMore = frame.hasMore
    }
    let message = try ProtobufFields(control.bytes)
    guard let (kind, body) = message.texts.first else { throw Trouble("a message without a body") }
    return Message(
      session: message.numbers[1] ?? 0,
      body: try ProtobufFields(body[0]),
      kind: kind,
      bulk: bulk
    )
  }

  /// The next message of a kind. Whoever speaks of another session before a hello is asked for one.
  func next(_ kind: Int) throws -> Message {
    while true {
      let message = try receive()
      if message.kind == kind { return message }
      if kind == Self.hello {
        try send(ProtobufFields.number(1, message.session) + ProtobufFields.number(2, epoch) + [0x22, 0], bulk: [])
      }
    }
  }

  private func send(_ control: [UInt8], bulk: [[UInt8]]) throws {
    let frames = [control] + bulk
    for (index, frame) in frames.enumerated() {
      let more: UInt8 = index < frames.count - 1 ? 0x01 : 0x00
      guard frame.count < 256 else { throw Trouble("a frame of \(frame.count) bytes") }
      try client.send([more, UInt8(frame.count)] + frame)
    }
  }

  // MARK: Messages

  /// The agent's session begins.
  func welcome(_ hello: Message, job: [UInt8]) throws {
    typealias Fields = ProtobufFields
    var specification = Fields.text(1, Array("GET".utf8)) + Fields.number(20, 12) + Fields.number(24, 1)
    // Time limits, in nanoseconds.
    specification += Fields.number(4, 10_000_000_000) + Fields.number(5, 60_000_000_000)
    var welcome = Fields.number(1, 1) + Fields.number(2, hello.body.numbers[4] ?? 0) + Fields.text(3, job)
    welcome += Fields.text(4, specification) + Fields.number(5, 1 << 26)
    try send(Fields.number(1, 1) + Fields.number(2, epoch) + Fields.text(3, welcome), bulk: [])
  }

  /// A message of the session.
  private func say(_ field: Int, _ body: [UInt8], bulk: [[UInt8]] = []) throws {
    sequence += 1
    let envelope = ProtobufFields.number(1, 1) + ProtobufFields.number(2, epoch) + ProtobufFields.number(13, sequence)
    try send(envelope + ProtobufFields.text(field, body), bulk: bulk)
  }

  /// Gives out rows without an origin: they are no valid requests, and their agent says so without asking anybody.
  func giveInvalidRows(_ seqs: Range<UInt8>, of job: [UInt8]) throws {
    let line = Array("x:".utf8)
    var frame: [UInt8] = []
    for seq in seqs {
      frame += [seq] + Array(repeating: 0, count: 7)
      frame += Array(repeating: 0, count: 8)
      frame += [UInt8(line.count), 0, 0, 0] + Array(repeating: 0, count: 8) + line
    }
    try say(7, ProtobufFields.text(1, job) + ProtobufFields.number(2, UInt64(seqs.count)), bulk: [frame])
  }

  func acknowledge(_ block: UInt64, of job: [UInt8]) throws {
    try say(9, ProtobufFields.text(1, job) + ProtobufFields.number(2, block))
  }

  func endJob(_ job: [UInt8]) throws { try say(11, ProtobufFields.text(1, job)) }
}

/// The fields of a protobuf message, and how to write some.
struct ProtobufFields {
  private(set) var numbers: [Int: UInt64] = [:]
  private(set) var texts: [Int: [[UInt8]]] = [:]

  init(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let tag = try Self.takeNumber(&rest)
      let field = Int(tag >> 3)
      switch tag & 7 {
      case 0: numbers[field] = try Self.takeNumber(&rest)
      case 2:
        let count = Int(try Self.takeNumber(&rest))
        guard count <= rest.count else { throw Trouble("a protobuf field is longer than its message") }
        texts[field, default: []].append(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      default: throw Trouble("a protobuf field of kind \(tag & 7)")
      }
    }
  }

  /// Numbers in a packed field.
  static func packed(_ bytes: [UInt8]) throws -> [UInt64] {
    var rest = bytes[...]
    var numbers: [UInt64] = []
    while !rest.isEmpty { numbers.append(try takeNumber(&rest)) }
    return numbers
  }

  private static func takeNumber(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      guard let byte = rest.popFirst() else { throw Trouble("a protobuf number has no end") }
      number |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return number }
    }
    throw Trouble("a protobuf number is too long")
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  static func number(_ field: Int, _ value: UInt64) -> [UInt8] { varint(UInt64(field) << 3) + varint(value) }

  static func text(_ field: Int, _ value: [UInt8]) -> [UInt8] {
    varint(UInt64(field) << 3 | 2) + varint(UInt64(value.count)) + value
  }
}
