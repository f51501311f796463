import Foundation

/// An agent by hand: speaks ZMTP 3.0 (rfc.zeromq.org/spec/23) with the NULL mechanism as a DEALER over plain TCP,
/// so that tests can say what no real agent says.
final class RawAgent {
  private let client: Client

  /// Connects and shakes hands.
  init(port: Int) throws {
    client = try Client(port: port)
    try client.greet(as: "DEALER")
    // Its own READY.
    _ = try receiveFrame()
  }

  /// Sends a message of frames shorter than 256 bytes.
  func send(_ frames: [[UInt8]]) throws {
    for (index, frame) in frames.enumerated() {
      let flags: UInt8 = index < frames.count - 1 ? 0x01 : 0x00
      try client.send([flags, UInt8(frame.count)] + frame)
    }
  }

  /// The next frame: of a message, or a command.
  func receiveFrame() throws -> [UInt8] {
    let flags = try client.receive(exactly: 1)[0]
    let sizeBytes = try client.receive(exactly: flags & 0x02 != 0 ? 8 : 1)
    let size = sizeBytes.reduce(0) { $0 << 8 | Int($1) }
    guard size < 1 << 20 else { throw Trouble("a frame of \(size) bytes") }
    return try client.receive(exactly: size)
  }

  /// The message Hello of protos/trawl/v1/control.proto.
  static func hello(minimumVersion: UInt8, maximumVersion: UInt8, instanceBytes: Int = 16) -> [UInt8] {
    var hello: [UInt8] = [0x08, minimumVersion, 0x10, maximumVersion]
    hello += [0x1A, UInt8(instanceBytes)] + Array(repeating: 7, count: instanceBytes)
    hello += [0x20, 9, 0x2A, 3] + Array("raw".utf8)
    hello += [0x30, 1, 0x40, 4, 0x48, 10, 0x50, 0xFF, 0x7F]
    return [0x12, UInt8(hello.count)] + hello
  }
}

extension Client {
  /// A peer's greeting and its READY, whose answer is still to be received. `type`: six characters.
  func greet(as type: String) throws {
    var greeting: [UInt8] = [0xFF] + Array(repeating: 0, count: 8) + [0x7F, 3, 0]
    greeting += Array("NULL".utf8) + Array(repeating: 0, count: 16)
    greeting += Array(repeating: 0, count: 32)
    try send(greeting)
    _ = try receive(exactly: 64)
    let name = Array("Socket-Type".utf8)
    let ready: [UInt8] = [5] + Array("READY".utf8) + [UInt8(name.count)] + name + [0, 0, 0, 6] + Array(type.utf8)
    try send([0x04, UInt8(ready.count)] + ready)
  }
}
