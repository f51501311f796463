package import FetchModel

/// The columns frame of protos/FRAMES.md: fixed entries, so a block is read without a loop of checks.
package enum ColumnFrame {
  package static let entryBytes = 28

  package static func append(_ column: ResultColumn, to frame: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: entryBytes, alignment: 8) { entry in
      entry.storeBytes(of: column.seq.littleEndian, toByteOffset: 0, as: UInt64.self)
      entry.storeBytes(of: column.bodyBytes.littleEndian, toByteOffset: 8, as: UInt64.self)
      entry.storeBytes(of: column.totalMicroseconds.littleEndian, toByteOffset: 16, as: UInt32.self)
      entry.storeBytes(of: column.lineLength.littleEndian, toByteOffset: 20, as: UInt32.self)
      entry.storeBytes(of: column.status.littleEndian, toByteOffset: 24, as: UInt16.self)
      entry.storeBytes(of: column.failure?.rawValue ?? 0, toByteOffset: 26, as: UInt8.self)
      entry.storeBytes(of: column.attempts, toByteOffset: 27, as: UInt8.self)
      frame.append(contentsOf: entry)
    }
  }

  package static func decode(_ frame: [UInt8], count: Int) throws(FrameError) -> [ResultColumn] {
    guard frame.count.isMultiple(of: entryBytes), frame.count / entryBytes == count else {
      throw FrameError(frame: "columns", problem: "does not have the announced number of entries")
    }
    var columns: [ResultColumn] = []
    columns.reserveCapacity(count)
    let areCodesKnown = frame.withUnsafeBytes { bytes in
      for index in 0..<count {
        let base = index * entryBytes
        let code = bytes[base + 26]
        let failure = FailureCode(rawValue: code)
        if code != 0, failure == nil { return false }
        columns.append(
          ResultColumn(
            seq: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: base, as: UInt64.self)),
            bodyBytes: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: base + 8, as: UInt64.self)),
            totalMicroseconds: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: base + 16, as: UInt32.self)),
            lineLength: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: base + 20, as: UInt32.self)),
            status: UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: base + 24, as: UInt16.self)),
            failure: failure,
            attempts: bytes[base + 27]
          )
        )
      }
      return true
    }
    guard areCodesKnown else { throw FrameError(frame: "columns", problem: "holds an unknown failure code") }
    return columns
  }
}

/// The deferrals frame of protos/FRAMES.md.
package enum DeferralFrame {
  private static let headerBytes = 28

  package static func append(_ deferral: Deferral, to frame: inout [UInt8]) {
    var state: [UInt8] = []
    if let redirect = deferral.redirect { RedirectFrame.append(redirect, to: &state) }
    frame.appendInteger(deferral.seq)
    frame.appendInteger(deferral.retryAfterMilliseconds)
    frame.appendInteger(UInt32(state.count))
    frame.appendInteger(deferral.status)
    frame.appendInteger(deferral.attempts)
    frame.append(deferral.cause.rawValue)
    frame.append(deferral.failure?.rawValue ?? 0)
    frame.appendInteger(UInt16(0))
    frame.append(contentsOf: state)
  }

  package static func decode(_ frame: [UInt8], count: Int) throws(FrameError) -> [Deferral] {
    var cursor = ByteCursor(frame, frame: "deferrals")
    guard count >= 0, count <= frame.count / headerBytes else { throw cursor.failure("holds fewer than announced") }
    var deferrals: [Deferral] = []
    deferrals.reserveCapacity(count)
    for _ in 0..<count {
      let seq = try cursor.integer(UInt64.self)
      let retryAfter = try cursor.integer(UInt64.self)
      let redirectLength = try cursor.integer(UInt32.self)
      let status = try cursor.integer(UInt16.self)
      let attempts = try cursor.integer(UInt16.self)
      let causeCode = try cursor.integer(UInt8.self)
      let failureCode = try cursor.integer(UInt8.self)
      _ = try cursor.integer(UInt16.self)
      let state = try cursor.run(Int(redirectLength))
      guard let cause = Deferral.Cause(rawValue: causeCode) else { throw cursor.failure("holds an unknown cause") }
      let failure = FailureCode(rawValue: failureCode)
      guard failureCode == 0 || failure != nil else { throw cursor.failure("holds an unknown failure code") }
      guard (cause == .redirect) == !state.isEmpty else { throw cursor.failure("has a cause and a state that differ") }
      deferrals.append(
        Deferral(
          seq: seq,
          cause: cause,
          failure: failure,
          status: status,
          attempts: attempts,
          retryAfterMilliseconds: retryAfter,
          redirect: state.isEmpty ? nil : try RedirectFrame.decode(state)
        )
      )
    }
    guard cursor.isAtEnd else { throw cursor.failure("has bytes left over") }
    return deferrals
  }
}

/// A frame of row numbers, 8 bytes each (recall).
package enum SeqFrame {
  package static func encode(_ seqs: [UInt64]) -> [UInt8] {
    var frame: [UInt8] = []
    frame.reserveCapacity(seqs.count * 8)
    for seq in seqs { frame.appendInteger(seq) }
    return frame
  }

  package static func decode(_ frame: [UInt8], count: Int) throws(FrameError) -> [UInt64] {
    var cursor = ByteCursor(frame, frame: "seq")
    guard count >= 0, count <= frame.count / 8 else { throw cursor.failure("holds fewer than announced") }
    var seqs: [UInt64] = []
    for _ in 0..<count { seqs.append(try cursor.integer(UInt64.self)) }
    guard cursor.isAtEnd else { throw cursor.failure("has bytes left over") }
    return seqs
  }
}
