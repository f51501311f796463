// Room and expiry of what is known.

import FetchModel
import HeapModule

extension NameTable {
  /// When a record may go, by what was known when it came here. Each record has one at most; if it has learned more
  /// since it comes here again.
  struct Expiry: Comparable {
    let at: Instant
    let record: RecordKey

    static func < (left: Expiry, right: Expiry) -> Bool { left.at < right.at }
  }

  /// For tests: how many names something is known about or asked of, and how many are to expire.
  package var nameCount: Int { places.count }
  package var expiryCount: Int { expiries.count }

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

  /// Has a record looked at when what is known of it has expired.
  mutating func expire(_ record: inout NameRecord, _ key: RecordKey) {
    if record.isToExpire { return }
    record.isToExpire = true
    expiries.insert(Expiry(at: record.expiresAt, record: key))
  }

  mutating func forgetExpired(now: Instant) {
    while let first = expiries.min, first.at <= now {
      expiries.removeMin()
      drop(first.record, unlessKnownAt: now)
    }
  }

  /// What is expired has gone already, so what expires next goes.
  private mutating func makeRoom() {
    while places.count >= limits.names, let first = expiries.popMin() { drop(first.record, unlessKnownAt: first.at) }
  }

  /// One that is asked about comes here again by itself.
  private mutating func drop(_ key: RecordKey, unlessKnownAt instant: Instant) {
    guard records[key.place]?.serial == key.serial else { return }
    var record = take(key)
    record.isToExpire = false
    if record.isPending || !record.waiters.isEmpty {
      records[key.place] = record
    } else if record.expiresAt > instant {
      expire(&record, key)
      records[key.place] = record
    } else {
      forget(key, name: record.name)
    }
  }

  private mutating func forget(_ key: RecordKey, name: String) {
    records[key.place] = nil
    places[name] = nil
    freePlaces.append(key.place)
  }
}
