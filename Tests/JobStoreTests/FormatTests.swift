import FetchModel
import JobStore
import Testing

@Suite struct `CRC-32C` {
  // RFC 3720 appendix B.4.
  @Test(
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
      (Array("123456789".utf8), 0xE306_9283), ([], 0),
    ] as [([UInt8], UInt32)]
  )
  func `has the values of its reference`(bytes: [UInt8], sum: UInt32) {
    #expect(CRC32C(of: bytes.span).value == sum)
    var pieces = CRC32C()
    for byte in bytes { pieces.update([byte].span) }
    #expect(pieces.value == sum)
  }
}

@Suite struct `A journal entry` {
  static let examples: [JournalEntry] = [
    .began(pass: passName, selection: []), .began(pass: passName, selection: Array("failed".utf8)),
    .joined(instance: [UInt8](repeating: 7, count: 16), isLocal: true), .joined(instance: [], isLocal: false),
    .left(instance: [1, 2, 3]), .unsafeRowsLeft(to: [9], seqs: []),
    .unsafeRowsLeft(to: [9], seqs: [5, 3, 4, .max, 0, 1 << 63]), .inputRead(hashes: []),
    .unsafeRowsReturned(seqs: []), .unsafeRowsReturned(seqs: [5, 3, .max]), .inputCut(bytes: 77),
    .inputRead(hashes: [1, .max]), .inputEnded(bytes: .max), .ended(rows: 0), .ended(rows: 1_000_000),
    .unsafeRowsUnknown,
  ]

  @Test(arguments: examples) func `comes back as it was`(entry: JournalEntry) {
    var bytes: [UInt8] = [0xAA]
    entry.append(to: &bytes)
    #expect(JournalEntry.read(bytes.span, at: 1) == .entry(entry, size: bytes.count - 1))
  }

  @Test(arguments: examples) func `is incomplete wherever it is cut`(entry: JournalEntry) {
    var bytes: [UInt8] = []
    entry.append(to: &bytes)
    for length in 0..<bytes.count {
      guard case .incomplete(let size) = JournalEntry.read(bytes.span.extracting(0..<length), at: 0) else {
        Issue.record("cut at \(length)")
        continue
      }
      #expect(size > length && size <= bytes.count)
    }
  }

  @Test(arguments: examples) func `is never read as another when a byte is damaged`(entry: JournalEntry) {
    var bytes: [UInt8] = []
    entry.append(to: &bytes)
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        if case .entry = JournalEntry.read(damaged.span, at: 0) { Issue.record("byte \(index), bit \(bit)") }
      }
    }
  }
}

@Suite struct `An index block` {
  private func random(_ random: inout SeededGenerator, rows: Int) -> IndexBlock {
    func number(_ most: Int) -> UInt64 { random.next() >> UInt64(64 - Int.random(in: 1...most, using: &random)) }
    let columns = (0..<rows).map { _ in
      ResultColumn(
        seq: number(36),
        bodyBytes: number(64),
        totalMicroseconds: UInt32(truncatingIfNeeded: number(32)),
        lineLength: UInt32(truncatingIfNeeded: number(32)),
        status: UInt16(truncatingIfNeeded: number(16)),
        failure: FailureCode(rawValue: UInt8(truncatingIfNeeded: number(8))),
        attempts: UInt8(truncatingIfNeeded: number(8))
      )
    }
    return IndexBlock(offset: number(50), columns: columns)
  }

  @Test func `comes back as it was`() {
    var generator = SeededGenerator(seed: 1)
    for rows in [1, 2, 3, 50, IndexBlock.maximumRows] {
      for _ in 0..<20 {
        let block = random(&generator, rows: rows)
        var bytes: [UInt8] = [1, 2, 3]
        block.append(to: &bytes)
        var read = IndexBlock(offset: 0, columns: [])
        let reading = read.read(bytes.span, at: 3)
        #expect(reading == .block(size: bytes.count - 3))
        #expect(read == block)
      }
    }
  }

  @Test func `needs about 14 bytes a row`() {
    let rows = Rows(100_000..<104_000)
    var bytes: [UInt8] = []
    IndexBlock(offset: 1 << 30, columns: rows.columns).append(to: &bytes)
    #expect(bytes.count < rows.columns.count * 14)
  }

  @Test func `is incomplete wherever it is cut and never read with a damaged byte`() {
    var generator = SeededGenerator(seed: 2)
    let block = random(&generator, rows: 5)
    var bytes: [UInt8] = []
    block.append(to: &bytes)
    var read = IndexBlock(offset: 0, columns: [])
    for length in 0..<bytes.count {
      let reading = read.read(bytes.span.extracting(0..<length), at: 0)
      guard case .incomplete(let size) = reading else {
        Issue.record("cut at \(length)")
        continue
      }
      #expect(size > length && size <= bytes.count)
    }
    for index in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        let reading = read.read(damaged.span, at: 0)
        if case .block = reading { Issue.record("byte \(index), bit \(bit)") }
      }
    }
  }

  @Test func `has a header that says whose it is`() {
    var bytes: [UInt8] = []
    IndexHeader(identifier: passName).append(to: &bytes)
    #expect(bytes.count == IndexHeader.byteCount)
    #expect(IndexHeader(bytes.span)?.identifier == passName)
    for index in bytes.indices {
      #expect(IndexHeader(bytes.span.extracting(0..<index)) == nil)
      var damaged = bytes
      damaged[index] ^= 0x10
      #expect(IndexHeader(damaged.span) == nil)
    }
  }
}
