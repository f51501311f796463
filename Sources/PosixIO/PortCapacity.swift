import Glibc

/// How many new connections a second this host can make to one target: each needs a port of its own, which rests for a
/// while after its connection has ended. Connections that are kept alive need none.
package struct PortCapacity: Equatable, Sendable {
  /// Seconds of TIME-WAIT; fixed in Linux (TCP_TIMEWAIT_LEN).
  private static let restingSeconds = 60
  /// The same where `tcp_tw_reuse` allows it (tcp(7)).
  private static let shortenedSeconds = 1

  package let ports: Int
  package let reuses: Bool

  /// `range`, `reserved`, `reuse`: the texts of `ip_local_port_range`, `ip_local_reserved_ports` and `tcp_tw_reuse`
  /// under /proc/sys/net/ipv4; nil if the first is none.
  package init?(range: String, reserved: String, reuse: String) {
    let ends = range.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    guard ends.count == 2, ends[0] <= ends[1] else { return nil }
    let taken = reserved.split { $0 == "," || $0.isWhitespace }.reduce(0) { count, part in
      let limits = part.split(separator: "-").compactMap { Int($0) }
      guard let first = limits.first, let last = limits.last, first <= last else { return count }
      return count + max(0, min(last, ends[1]) - max(first, ends[0]) + 1)
    }
    ports = max(0, ends[1] - ends[0] + 1 - taken)
    // 2 is for loopback only, where nobody's crawl goes.
    reuses = reuse.prefix { !$0.isWhitespace } == "1"
  }

  /// Of this host, now; nil where the kernel does not say.
  package static func ofThisHost() -> PortCapacity? {
    func setting(_ name: String) -> String { text(ofSmallFile: "/proc/sys/net/ipv4/\(name)") ?? "" }
    return PortCapacity(
      range: setting("ip_local_port_range"),
      reserved: setting("ip_local_reserved_ports"),
      reuse: setting("tcp_tw_reuse")
    )
  }

  /// `sources`: addresses that connections leave from in turn, each with ports of its own.
  package func connectionsPerSecond(sources: Int) -> Int {
    ports * max(1, sources) / (reuses ? Self.shortenedSeconds : Self.restingSeconds)
  }

  /// One line for whoever starts a job.
  package func line(sources: Int) -> String {
    let rate = connectionsPerSecond(sources: sources)
    let addresses = sources > 1 ? " at each of \(sources) addresses" : ""
    let seconds = reuses ? Self.shortenedSeconds : Self.restingSeconds
    let advice =
      reuses ? "more with --interface" : "more with --interface or net.ipv4.tcp_tw_reuse=1; kept-alive ones need none"
    return "this host can make about \(rate) new connections a second to one target "
      + "(\(ports) ports\(addresses), each free again after \(seconds) s; \(advice))"
  }
}

/// What a file holds, up to 4 KiB of it; nil if it cannot be read.
private func text(ofSmallFile path: String) -> String? {
  let raw = open(path, O_RDONLY | O_CLOEXEC)
  guard raw >= 0 else { return nil }
  let file = Descriptor(owning: raw)
  return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
    let count = retryingInterrupted { read(file.rawValue, buffer.baseAddress, buffer.count) }
    return count >= 0 ? String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self) : nil
  }
}
