package import FetchModel

/// One row inside a rows frame; `line` and `redirect` say where their bytes are in the frame.
package struct FramedRow: Equatable, Sendable {
  package var seq: UInt64
  package var origin: UInt32
  package var elapsedMilliseconds: UInt32
  package var attempts: UInt16
  package var mustNotRepeat: Bool
  /// nil for none; what it holds was checked when the frame was decoded.
  package var redirect: Range<Int>?
  package var line: Range<Int>
}

/// The rows frame of protos/FRAMES.md.
package enum RowFrame {
  /// Bytes of a row besides its line and redirect state.
  package static let headerBytes = 28

  package static func append(
    seq: UInt64,
    origin: UInt32,
    elapsedMilliseconds: UInt32,
    attempts: UInt16,
    mustNotRepeat: Bool,
    redirect: RedirectState?,
    line: Span<UInt8>,
    to frame: inout [UInt8]
  ) {
    var state: [UInt8] = []
    if let redirect { RedirectFrame.append(redirect, to: &state) }
    // One reservation: every row of a job comes through here.
    let count = headerBytes + state.count + line.count
    frame.append(addingCapacity: count) { output in
      output.withUnsafeMutableBufferPointer { memory, written in
        precondition(memory.count >= count)
        let row = UnsafeMutableRawBufferPointer(memory)
        row.storeBytes(of: seq.littleEndian, as: UInt64.self)
        row.storeBytes(of: origin.littleEndian, toByteOffset: 8, as: UInt32.self)
        row.storeBytes(of: elapsedMilliseconds.littleEndian, toByteOffset: 12, as: UInt32.self)
        row.storeBytes(of: UInt32(line.count).littleEndian, toByteOffset: 16, as: UInt32.self)
        row.storeBytes(of: UInt32(state.count).littleEndian, toByteOffset: 20, as: UInt32.self)
        row.storeBytes(of: attempts.littleEndian, toByteOffset: 24, as: UInt16.self)
        row.storeBytes(of: mustNotRepeat ? 1 : 0, toByteOffset: 26, as: UInt8.self)
        row.storeBytes(of: 0, toByteOffset: 27, as: UInt8.self)
        if !state.isEmpty { UnsafeMutableRawBufferPointer(rebasing: row[headerBytes...]).copyBytes(from: state) }
        line.withUnsafeBytes { line in
          UnsafeMutableRawBufferPointer(rebasing: row[(headerBytes + state.count)...]).copyMemory(from: line)
        }
        written = count
      }
    }
  }

  package static func decode(_ frame: [UInt8], count: Int) throws(FrameError) -> [FramedRow] {
    var cursor = ByteCursor(frame, frame: "rows")
    // Bounds the reservation by what the frame can hold.
    guard count >= 0, count <= frame.count / headerBytes else {
      throw cursor.failure("holds fewer rows than announced")
    }
    var rows: [FramedRow] = []
    rows.reserveCapacity(count)
    for _ in 0..<count {
      let seq = try cursor.integer(UInt64.self)
      let origin = try cursor.integer(UInt32.self)
      let elapsed = try cursor.integer(UInt32.self)
      let length = try cursor.integer(UInt32.self)
      let redirectLength = try cursor.integer(UInt32.self)
      let attempts = try cursor.integer(UInt16.self)
      let flags = try cursor.integer(UInt8.self)
      _ = try cursor.integer(UInt8.self)
      let redirect = redirectLength == 0 ? nil : try cursor.range(Int(redirectLength))
      if let redirect { _ = try RedirectFrame.decode(Array(frame[redirect])) }
      rows.append(
        FramedRow(
          seq: seq,
          origin: origin,
          elapsedMilliseconds: elapsed,
          attempts: attempts,
          mustNotRepeat: flags & 1 != 0,
          redirect: redirect,
          line: try cursor.range(Int(length))
        )
      )
    }
    guard cursor.isAtEnd else { throw cursor.failure("has bytes left over") }
    return rows
  }
}

/// The redirect state inside rows and deferrals.
package enum RedirectFrame {
  package static func append(_ state: RedirectState, to frame: inout [UInt8]) {
    let method = state.method.token
    frame.appendInteger(state.spentMicroseconds)
    frame.appendInteger(UInt16(clamping: state.hops))
    frame.append((state.dropsCredentials ? 1 : 0) | (state.dropsContent ? 2 : 0) | (state.hasGlobalHop ? 4 : 0))
    frame.append(UInt8(clamping: method.count))
    frame.appendInteger(UInt32(state.url.count))
    frame.appendInteger(UInt16(clamping: state.visited.count))
    frame.append(UInt8(state.trail.urls.count))
    frame.append(contentsOf: method.prefix(255))
    frame.append(contentsOf: state.url)
    for hash in state.visited.prefix(Int(UInt16.max)) { frame.appendInteger(hash) }
    for url in state.trail.urls {
      frame.append(UInt8(url.count))
      frame.append(contentsOf: url)
    }
  }

  package static func decode(_ bytes: [UInt8]) throws(FrameError) -> RedirectState {
    var cursor = ByteCursor(bytes, frame: "redirect")
    let spent = try cursor.integer(UInt64.self)
    let hops = try cursor.integer(UInt16.self)
    let flags = try cursor.integer(UInt8.self)
    let methodLength = try cursor.integer(UInt8.self)
    let urlLength = try cursor.integer(UInt32.self)
    let visitedCount = try cursor.integer(UInt16.self)
    let trailCount = try cursor.integer(UInt8.self)
    guard let method = RequestMethod(token: try cursor.run(Int(methodLength))) else {
      throw cursor.failure("names no method")
    }
    let url = try cursor.run(Int(urlLength))
    var visited: [UInt64] = []
    for _ in 0..<visitedCount { visited.append(try cursor.integer(UInt64.self)) }
    var urls: [[UInt8]] = []
    for _ in 0..<trailCount { urls.append(try cursor.run(Int(try cursor.integer(UInt8.self)))) }
    guard let trail = RedirectTrail(urls: urls) else { throw cursor.failure("has a trail that is too long") }
    guard cursor.isAtEnd else { throw cursor.failure("has bytes left over") }
    return RedirectState(
      url: url,
      method: method,
      dropsCredentials: flags & 1 != 0,
      dropsContent: flags & 2 != 0,
      hasGlobalHop: flags & 4 != 0,
      hops: Int(hops),
      spentMicroseconds: spent,
      visited: visited,
      trail: trail
    )
  }
}
