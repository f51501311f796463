import FetchModel
import PosixIO

/// What is known about a name, and who waits to know.
struct NameRecord {
  /// What is known of one family, and whether there is a question about it.
  struct Knowledge {
    var known: Known?
    var isPending = false
  }

  let name: String
  /// Tells records apart that had the same place.
  let serial: UInt64
  var waiters: [Waiter] = []
  /// Whether the table has it among what expires.
  var isToExpire = false
  private var ipv4 = Knowledge()
  private var ipv6 = Knowledge()

  init(name: String, serial: UInt64) {
    self.name = name
    self.serial = serial
  }

  subscript(family: SocketAddress.Family) -> Knowledge {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }

  var isPending: Bool { ipv4.isPending || ipv6.isPending }

  /// When nothing of it is true any more.
  var expiresAt: Instant { max(ipv4.known?.expiresAt ?? .zero, ipv6.known?.expiresAt ?? .zero) }
}

/// A finding about one family.
struct Known: Equatable {
  var resolution: Resolution
  var expiresAt: Instant
}

/// An asker that has not got its last answer, with what it has heard of so far. It keeps that: a record may ask anew
/// (a TTL of 0) before the other family is there.
struct Waiter {
  let id: UInt64
  /// 4, 6 or 0 for both.
  let family: UInt8
  var hasAnswer = false
  /// Until when addresses of IPv4 wait for those of IPv6.
  var patientUntil: Instant?
  private var ipv4: Known?
  private var ipv6: Known?

  init(id: UInt64, family: UInt8) {
    self.id = id
    self.family = family
  }

  var families: [SocketAddress.Family] { family == 4 ? [.ipv4] : family == 6 ? [.ipv6] : [.ipv6, .ipv4] }

  subscript(family: SocketAddress.Family) -> Known? {
    get { family == .ipv4 ? ipv4 : ipv6 }
    set { if family == .ipv4 { ipv4 = newValue } else { ipv6 = newValue } }
  }
}

/// Names a record for as long as it is there.
struct RecordKey: Hashable {
  let place: Int
  let serial: UInt64
}

/// Names a question.
struct QuestionKey: Hashable {
  let record: RecordKey
  let family: SocketAddress.Family
}

extension SocketAddress.Family {
  var other: Self { self == .ipv4 ? .ipv6 : .ipv4 }
}
