// What askers get, and when.

import FetchModel
import HeapModule
import PosixIO

extension NameTable {
  /// A name in the hosts file is not asked for, not in the other family either.
  mutating func answer(_ asker: UInt64, from entry: HostsFile.Entry, family: UInt8, now: Instant) {
    let addresses = (family == 4 ? [] : entry.ipv6) + (family == 6 ? [] : entry.ipv4)
    let resolution = addresses.isEmpty ? Resolution.noAddress : .addresses(addresses)
    deliver(asker, resolution, until: now + limits.hostsLifetime, isFinal: true)
  }

  /// A question has its answer. Waiters of the family hear of it.
  mutating func conclude(_ key: QuestionKey, _ resolution: Resolution, until expiresAt: Instant, now: Instant) {
    let family = key.family
    var record = take(key.record)
    record[family].isPending = false
    record[family].known = Known(resolution: resolution, expiresAt: expiresAt)
    reconcile(&record, now: now)
    if !record.isPending { countFailure(outcome(of: record, now: now)) }
    let known = record[family].known
    for index in record.waiters.indices where record.waiters[index][family] == nil {
      record.waiters[index][family] = known
    }
    settleWaiters(of: &record, key.record, now: now)
    expire(&record, key.record)
    records[key.record.place] = record
  }

  private mutating func settleWaiters(of record: inout NameRecord, _ key: RecordKey, now: Instant) {
    var left: [Waiter] = []
    for var waiter in record.waiters where !settle(&waiter, of: key, now: now) { left.append(waiter) }
    record.waiters = left
  }

  /// Gives a waiter what is due to it; true if that was the last answer.
  mutating func settle(_ waiter: inout Waiter, of key: RecordKey, now: Instant) -> Bool {
    let known = waiter.families.compactMap { waiter[$0] }
    if known.count == waiter.families.count {
      let (resolution, expiresAt) = combined(known, now: now)
      deliver(waiter.id, resolution, until: expiresAt, isFinal: true)
      return true
    }
    guard let half = known.first, !waiter.hasAnswer, !half.resolution.addresses.isEmpty else { return false }
    if waiter[.ipv6] == nil {
      if waiter.patientUntil == nil {
        let end = now + limits.resolutionDelay
        waiter.patientUntil = end
        if delayEnds.last.map({ $0.at != end || $0.what != key }) ?? true { delayEnds.append(Due(at: end, what: key)) }
      }
      if let end = waiter.patientUntil, now < end { return false }
    }
    waiter.hasAnswer = true
    deliver(waiter.id, half.resolution, until: half.expiresAt, isFinal: false)
    return false
  }

  /// The Resolution Delay of some waiter is over.
  mutating func endDelay(_ key: RecordKey, now: Instant) {
    guard records[key.place]?.serial == key.serial else { return }
    var record = take(key)
    settleWaiters(of: &record, key, now: now)
    records[key.place] = record
  }

  private mutating func deliver(_ asker: UInt64, _ resolution: Resolution, until expiresAt: Instant, isFinal: Bool) {
    let answer = ResolverAnswer(resolution: resolution, expiresAt: expiresAt, isFinal: isFinal)
    actions.append(.deliver(asker: asker, answer))
  }

  /// That there are no addresses of one family is believed for as long as those of the other hold: a host with IPv4
  /// only is not asked for IPv6 every few seconds. A failure, for as long as anything negative.
  private func reconcile(_ record: inout NameRecord, now: Instant) {
    for family in [SocketAddress.Family.ipv4, .ipv6] where !record.isPending {
      guard let good = record[family].known, case .addresses = good.resolution,
        let bad = record[family.other].known, now < good.expiresAt
      else { continue }
      switch bad.resolution {
      case .addresses: continue
      case .noAddress, .notFound: record[family.other].known?.expiresAt = max(bad.expiresAt, good.expiresAt)
      case .failed, .timedOut, .unavailable:
        record[family.other].known?.expiresAt = max(bad.expiresAt, min(good.expiresAt, now + limits.negativeLifetime))
      }
    }
  }

  /// What both families come to. Without any addresses, what may be otherwise soon outweighs what is certain: a server
  /// that denies a name in one family only is not believed.
  private func combined(_ known: [Known], now: Instant) -> (Resolution, expiresAt: Instant) {
    let good = known.filter { !$0.resolution.addresses.isEmpty }
    guard let firstGood = good.first else {
      let worst = known.max { Self.weight($0.resolution) < Self.weight($1.resolution) }
      return (worst?.resolution ?? .noAddress, known.map(\.expiresAt).min() ?? now)
    }
    var expiresAt = good.map(\.expiresAt).min() ?? firstGood.expiresAt
    for bad in known where bad.resolution.addresses.isEmpty && Self.weight(bad.resolution) > 1 {
      expiresAt = min(expiresAt, max(bad.expiresAt, now + limits.negativeLifetime))
    }
    return (.addresses(good.flatMap(\.resolution.addresses)), expiresAt)
  }

  private static func weight(_ resolution: Resolution) -> Int {
    switch resolution {
    case .addresses, .notFound: 0
    case .noAddress: 1
    case .failed: 2
    case .timedOut: 3
    case .unavailable: 4
    }
  }

  /// What the look-up that has just ended came to.
  private func outcome(of record: NameRecord, now: Instant) -> Resolution {
    combined([SocketAddress.Family.ipv6, .ipv4].compactMap { record[$0].known }, now: now).0
  }
}
