package import FetchModel
import Glibc
package import PosixIO

/// Which addresses of a name are tried when: Happy Eyeballs version 2 (RFC 8305 section 5). A value: what happens to
/// attempts comes in, with the time; which is to begin next comes out. Whoever connects first has won, and the others
/// are dropped.
package struct ConnectionRace: Equatable {
  /// Nanoseconds that an attempt has before the next one joins it.
  package static let attemptDelay: UInt64 = 250_000_000
  /// Of one name; what is behind would hardly be reached.
  private static let mostCandidates = 64

  private enum Attempt: Equatable {
    case waiting
    case running
    /// With its errno. `isLocal`: for want of something on this host.
    case failed(Int32, isLocal: Bool)
  }

  package private(set) var candidates: [SocketAddress]
  private var attempts: [Attempt]
  /// In the order of `candidates`.
  private var next = 0
  /// Whether no further addresses will come.
  private var isComplete: Bool
  /// When the next attempt is due although another one is running.
  private var delayEndsAt = Instant.zero

  /// `isComplete`: whether these are all, or others may be added.
  package init(_ candidates: [SocketAddress], isComplete: Bool) {
    self.candidates = Array(candidates.prefix(Self.mostCandidates))
    attempts = Array(repeating: .waiting, count: self.candidates.count)
    self.isComplete = isComplete
  }

  /// All addresses, now that they are known: those that are new follow those that are in the race.
  package mutating func complete(_ all: [SocketAddress]) {
    isComplete = true
    for address in all where candidates.count < Self.mostCandidates && !candidates.contains(address) {
      candidates.append(address)
      attempts.append(.waiting)
    }
  }

  /// The attempt that is to begin now, which counts as running then; nil if none is.
  package mutating func begin(at now: Instant) -> Int? {
    guard next < candidates.count, !isRunning || now >= delayEndsAt else { return nil }
    defer { next += 1 }
    attempts[next] = .running
    delayEndsAt = now.adding(nanoseconds: Self.attemptDelay)
    return next
  }

  /// The next one need not wait.
  package mutating func failed(_ attempt: Int, _ number: Int32, isLocal: Bool = false) {
    attempts[attempt] = .failed(number, isLocal: isLocal)
    delayEndsAt = .zero
  }

  /// When `begin` has something to give if nothing happens before.
  package var nextDueAt: Instant {
    guard next < candidates.count else { return .distantFuture }
    return isRunning ? delayEndsAt : .zero
  }

  private var isRunning: Bool { attempts.contains(.running) }

  /// Nobody has won, and nobody will.
  package var isLost: Bool { isComplete && next == candidates.count && !isRunning }

  /// Whether an attempt failed for want of something on this host: the race says nothing about the target then.
  package var lacksSomething: Bool {
    attempts.contains { attempt in if case .failed(_, isLocal: true) = attempt { true } else { false } }
  }

  /// Where another race should begin after this one was not won: behind what has failed or kept silent.
  package var firstUntried: SocketAddress? {
    if next < candidates.count { return candidates[next] }
    return candidates.count > 1 ? candidates[1] : nil
  }

  /// The errno that says most: what an address answered goes before that there is no way to another.
  package var decisiveError: Int32? {
    let numbers = attempts.compactMap { attempt -> Int32? in
      if case .failed(let number, _) = attempt { number } else { nil }
    }
    let wayless: Set<Int32> = [ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT]
    return numbers.first { !wayless.contains($0) } ?? numbers.first
  }

  /// One text for each address that was tried, with what became of it.
  package var report: String {
    let texts = zip(candidates, attempts).compactMap { address, attempt -> String? in
      switch attempt {
      case .waiting: nil
      case .running: "\(address.text): no answer"
      case .failed(let number, _): "\(address.text): \(SystemError.text(of: number)) (errno \(number))"
      }
    }
    return texts.joined(separator: "; ")
  }
}
