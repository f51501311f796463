// Room and expiry of what is known.

import FetchModel
import HeapModule

extension NameTable {
  /// When a record may go; out of date if the record learned more since, which then has a later entry.
  struct Expiry: Comparable {
    let at: Instant
    let record: RecordKey

    static func < (left: Expiry, right: Expiry) -> Bool { left.at < right.at }
  }

  /// How many names something is known about or asked of.
  package var nameCount: Int { places.count }

  /// The record of a name, made if there is none.
  mutating func key(of name: String) -> RecordKey {
    if let place = places[name], let record = records[place] { return RecordKey(place: place, serial: record.serial) }
    makeRoom()
    let place = freePlaces.popLast() ?? records.endIndex
    if place == records.endIndex { records.append(nil) }
    let key = RecordKey(place: place, serial: nextSerial())
    records[place] = NameRecord(name: name, serial: key.serial)
    places[name] = place
    return key
  }

  mutating func forgetExpired(now: Instant) {
    while let first = expiries.min, first.at <= now {
      expiries.removeMin()
      guard let record = idleRecord(first.record), record.expiresAt <= now else { continue }
      forget(first.record, name: record.name)
    }
  }

  /// What is expired has gone already, so what expires next goes.
  private mutating func makeRoom() {
    while places.count >= limits.names, let first = expiries.popMin() {
      if let record = idleRecord(first.record) { forget(first.record, name: record.name) }
    }
  }

  /// The record, if nobody waits for it.
  private func idleRecord(_ key: RecordKey) -> NameRecord? {
    guard let record = records[key.place], record.serial == key.serial else { return nil }
    return record.isPending || !record.waiters.isEmpty ? nil : record
  }

  private mutating func forget(_ key: RecordKey, name: String) {
    records[key.place] = nil
    places[name] = nil
    freePlaces.append(key.place)
  }
}
