import FetchModel
import Glibc
import PosixIO

/// What runs on the server's thread.
final class NameService {
  /// Where an answer goes.
  private enum Way {
    case datagram(sockaddr_in)
    case stream(Int32)
  }

  private struct Delayed {
    let due: Instant
    let message: [UInt8]
    let way: Way
  }

  var mode = NameServer.Mode.answering

  private let datagrams: Descriptor
  private var listener: Descriptor?
  private let counts: QuestionCounts
  private let answer: @Sendable (Question) -> Response
  private var streams: [Int32: [UInt8]] = [:]
  private var delayed: [Delayed] = []
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  init(
    datagrams: consuming Descriptor,
    listener: consuming Descriptor,
    counts: QuestionCounts,
    answer: @escaping @Sendable (Question) -> Response
  ) {
    self.datagrams = datagrams
    self.listener = consume listener
    self.counts = counts
    self.answer = answer
  }

  deinit { for stream in streams.keys { close(stream) } }

  /// Serves until `obey`, called for each signal, says no.
  func run(signal: EventSignal, obey: () -> Bool) {
    do {
      var poller = try Poller(capacity: 64)
      try poller.add(signal.descriptor, for: .read, token: UInt64(signal.descriptor))
      try poller.add(datagrams.rawValue, for: .read, token: UInt64(datagrams.rawValue))
      let listening = listener?.rawValue ?? -1
      try poller.add(listening, for: .read, token: UInt64(listening))
      while true {
        if mode == .frozen {
          signal.wait()
          guard obey() else { return }
          continue
        }
        for index in 0..<(try poller.wait(milliseconds: patience)) {
          let descriptor = Int32(truncatingIfNeeded: poller.event(index).token)
          switch descriptor {
          case signal.descriptor: guard obey() else { return }
          case datagrams.rawValue: takeDatagrams()
          case listening: try accept(&poller, listening)
          default: takeBytes(descriptor)
          }
        }
        sendDue()
      }
    } catch {
      preconditionFailure("the name server of the test failed: \(error)")
    }
  }

  /// Without it nobody gets a connection.
  func closeListener() { listener = nil }

  private var patience: Int32? {
    delayed.first.map { Int32(clamping: ($0.due.nanoseconds(since: Clock.now()) + 999_999) / 1_000_000) }
  }

  private func takeDatagrams() {
    // At most so many until others are looked at.
    for _ in 0..<256 {
      var sender = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = withUnsafeMutablePointer(to: &sender) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(datagrams.rawValue, &buffer, buffer.count, 0, $0, &length)
        }
      }
      if count <= 0 { return }
      take(Array(buffer[..<count]), by: .datagram(sender))
    }
  }

  private func accept(_ poller: inout Poller, _ listening: Int32) throws {
    let raw = Glibc.accept(listening, nil, nil)
    guard raw >= 0 else { return }
    streams[raw] = []
    try poller.add(raw, for: .read, token: UInt64(raw))
  }

  /// Messages of a stream have their length before them, RFC 1035 section 4.2.2.
  private func takeBytes(_ stream: Int32) {
    guard var bytes = streams[stream] else { return }
    let count = recv(stream, &buffer, buffer.count, 0)
    if count <= 0 {
      streams[stream] = nil
      close(stream)
      return
    }
    bytes += buffer[..<count]
    while bytes.count >= 2 {
      let length = Int(bytes[0]) << 8 | Int(bytes[1])
      guard bytes.count >= 2 + length else { break }
      take(Array(bytes[2..<(2 + length)]), by: .stream(stream))
      bytes.removeFirst(2 + length)
    }
    streams[stream] = bytes
  }

  private func take(_ bytes: [UInt8], by way: Way) {
    let isOverTCP = if case .stream = way { true } else { false }
    guard let received = ReceivedQuestion(bytes, isOverTCP: isOverTCP) else { return }
    counts.add(received.question)
    if mode == .silent { return }
    let response = answer(received.question)
    guard let message = received.message(response) else { return }
    if response.delay == .zero { return send(message, by: way) }
    let entry = Delayed(due: Clock.now() + response.delay, message: message, way: way)
    let place = delayed.firstIndex { entry.due < $0.due } ?? delayed.endIndex
    delayed.insert(entry, at: place)
  }

  private func sendDue() {
    let now = Clock.now()
    while let first = delayed.first, first.due <= now {
      delayed.removeFirst()
      send(first.message, by: first.way)
    }
  }

  private func send(_ message: [UInt8], by way: Way) {
    switch way {
    case .datagram(var client):
      _ = withUnsafePointer(to: &client) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          sendto(datagrams.rawValue, message, message.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .stream(let stream):
      guard streams[stream] != nil else { return }
      let framed = [UInt8(message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
      _ = Glibc.send(stream, framed, framed.count, Int32(MSG_NOSIGNAL))
    }
  }
}
