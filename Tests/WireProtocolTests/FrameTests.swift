import FetchModel
import Testing
import WireProtocol

@Suite struct FrameTests {
  // MARK: There and back

  @Test func `rows come out of a frame as they went in`() throws {
    for seed in 0..<200 as Range<UInt64> {
      var random = WireRandom(seed: seed)
      let sent = (0..<Int(seed % 8)).map { _ in SentRow(random: &random) }
      var frame: [UInt8] = []
      for row in sent { row.append(to: &frame) }
      let rows = try RowFrame.decode(frame, count: sent.count)
      #expect(rows.count == sent.count)
      for (row, expected) in zip(rows, sent) {
        #expect(row.seq == expected.seq && row.origin == expected.origin && row.attempts == expected.attempts)
        #expect(row.elapsedMilliseconds == expected.elapsedMilliseconds && row.mustNotRepeat == expected.mustNotRepeat)
        #expect(Array(frame[row.line]) == expected.line)
        let state = try row.redirect.map { try RedirectFrame.decode(Array(frame[$0])) }
        #expect(state == expected.redirect)
      }
    }
  }

  @Test func `columns come out of a frame as they went in`() throws {
    var random = WireRandom(seed: 2)
    for count in 0..<100 {
      let columns = (0..<count).map { _ in random.column() }
      var frame: [UInt8] = []
      for column in columns { ColumnFrame.append(column, to: &frame) }
      #expect(frame.count == count * ColumnFrame.entryBytes)
      #expect(try ColumnFrame.decode(frame, count: count) == columns)
    }
  }

  @Test func `deferrals come out of a frame as they went in`() throws {
    var random = WireRandom(seed: 3)
    for count in 0..<100 {
      let deferrals = (0..<count).map { _ in random.deferral() }
      var frame: [UInt8] = []
      for deferral in deferrals { DeferralFrame.append(deferral, to: &frame) }
      #expect(try DeferralFrame.decode(frame, count: count) == deferrals)
    }
  }

  @Test func `row numbers come out of a frame as they went in`() throws {
    let seqs: [UInt64] = [0, 1, .max, 1 << 40]
    let frame = SeqFrame.encode(seqs)
    #expect(try SeqFrame.decode(frame, count: 4) == seqs)
    #expect(try SeqFrame.decode([], count: 0) == [])
    #expect(throws: FrameError.self) { try SeqFrame.decode(frame, count: 3) }
    #expect(throws: FrameError.self) { try SeqFrame.decode(frame, count: 5) }
    #expect(throws: FrameError.self) { try SeqFrame.decode(Array(frame.dropLast()), count: 4) }
  }

  // MARK: What a peer may send instead

  private static func rowFrame(_ random: inout WireRandom, _ count: Int) -> [UInt8] {
    var frame: [UInt8] = []
    for _ in 0..<count { SentRow(random: &random).append(to: &frame) }
    return frame
  }

  private static func deferralFrame(_ random: inout WireRandom, _ count: Int) -> [UInt8] {
    var frame: [UInt8] = []
    for _ in 0..<count { DeferralFrame.append(random.deferral(), to: &frame) }
    return frame
  }

  @Test func `a frame cut anywhere, or with anything behind it, is refused`() {
    var random = WireRandom(seed: 4)
    for _ in 0..<10 {
      let rows = Self.rowFrame(&random, 3)
      let deferrals = Self.deferralFrame(&random, 3)
      for length in 0..<rows.count {
        #expect(throws: FrameError.self) { try RowFrame.decode(Array(rows[..<length]), count: 3) }
      }
      for length in 0..<deferrals.count {
        #expect(throws: FrameError.self) { try DeferralFrame.decode(Array(deferrals[..<length]), count: 3) }
      }
      #expect(throws: FrameError.self) { try RowFrame.decode(rows + [0], count: 3) }
      #expect(throws: FrameError.self) { try DeferralFrame.decode(deferrals + [0], count: 3) }
    }
  }

  @Test(arguments: [-1, 0, 1, 2, 4, 5, 1 << 40, .max, .min])
  func `a count that does not fit its frame is refused`(_ count: Int) {
    var random = WireRandom(seed: 5)
    let rows = Self.rowFrame(&random, 3)
    let deferrals = Self.deferralFrame(&random, 3)
    var columns: [UInt8] = []
    for _ in 0..<3 { ColumnFrame.append(random.column(), to: &columns) }
    #expect(throws: FrameError.self) { try RowFrame.decode(rows, count: count) }
    #expect(throws: FrameError.self) { try DeferralFrame.decode(deferrals, count: count) }
    #expect(throws: FrameError.self) { try ColumnFrame.decode(columns, count: count) }
    #expect(throws: FrameError.self) { try SeqFrame.decode([1, 2, 3], count: count == 0 ? 1 : count) }
  }

  @Test func `a count whose bytes overflow to nothing is refused`() {
    // 28 times this is 0 in 64 bits.
    #expect(throws: FrameError.self) { try ColumnFrame.decode([], count: 1 << 62) }
  }

  @Test func `a length changed in any way is refused or read within the frame`() {
    var random = WireRandom(seed: 6)
    let frame = Self.rowFrame(&random, 2)
    // Bytes 16 to 23 of an entry are its lengths.
    for index in 16..<24 {
      for bit in 0..<8 {
        var changed = frame
        changed[index] ^= 1 << UInt8(bit)
        #expect(throws: FrameError.self) { try RowFrame.decode(changed, count: 2) }
      }
    }
  }

  @Test func `no bytes crash a decoder`() {
    var random = WireRandom(seed: 7)
    for round in 0..<4000 {
      var bytes = random.bytes(upTo: 120)
      if round % 2 == 0 {
        bytes = round % 4 == 0 ? Self.rowFrame(&random, 2) : Self.deferralFrame(&random, 2)
        for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = random.number(UInt8.self) }
      }
      for count in 0..<4 {
        if let rows = try? RowFrame.decode(bytes, count: count) {
          #expect(rows.allSatisfy { $0.line.upperBound <= bytes.count })
        }
        _ = try? DeferralFrame.decode(bytes, count: count)
        _ = try? ColumnFrame.decode(bytes, count: count)
      }
      _ = try? RedirectFrame.decode(bytes)
    }
  }

  @Test func `an unknown failure code is refused`() {
    var random = WireRandom(seed: 8)
    var columns: [UInt8] = []
    ColumnFrame.append(random.column(), to: &columns)
    for code in 1...255 as ClosedRange<UInt8> where FailureCode(rawValue: code) == nil {
      columns[26] = code
      #expect(throws: FrameError.self) { try ColumnFrame.decode(columns, count: 1) }
    }
    var deferrals: [UInt8] = []
    DeferralFrame.append(Deferral(seq: 1, cause: .failure, failure: .reset, attempts: 1), to: &deferrals)
    deferrals[25] = 255
    #expect(throws: FrameError.self) { try DeferralFrame.decode(deferrals, count: 1) }
  }

  @Test(arguments: [0, 6, 255] as [UInt8])
  func `an unknown cause is refused`(_ cause: UInt8) {
    var frame: [UInt8] = []
    DeferralFrame.append(Deferral(seq: 1, cause: .notStarted, attempts: 0), to: &frame)
    frame[24] = cause
    #expect(throws: FrameError.self) { try DeferralFrame.decode(frame, count: 1) }
  }

  @Test func `a redirect without its state is refused, and a state without a redirect`() {
    var random = WireRandom(seed: 9)
    var bare: [UInt8] = []
    DeferralFrame.append(Deferral(seq: 1, cause: .redirect, attempts: 0), to: &bare)
    #expect(throws: FrameError.self) { try DeferralFrame.decode(bare, count: 1) }
    var laden: [UInt8] = []
    DeferralFrame.append(Deferral(seq: 1, cause: .failure, attempts: 0, redirect: random.redirect()), to: &laden)
    #expect(throws: FrameError.self) { try DeferralFrame.decode(laden, count: 1) }
  }

  @Test func `a redirect whose method is no token is refused`() throws {
    var random = WireRandom(seed: 10)
    var state = random.redirect()
    state.method = .get
    var frame: [UInt8] = []
    RedirectFrame.append(state, to: &frame)
    frame[19] = UInt8(ascii: " ")
    #expect(throws: FrameError.self) { try RedirectFrame.decode(frame) }
    frame[19] = UInt8(ascii: "S")
    #expect(try RedirectFrame.decode(frame).method == .other(Array("SET".utf8)))
  }

  @Test func `a redirect whose trail is beyond its bounds is refused`() throws {
    var random = WireRandom(seed: 11)
    var state = random.redirect()
    state.trail = RedirectTrail()
    state.visited = []
    var frame: [UInt8] = []
    RedirectFrame.append(state, to: &frame)
    func framed(_ lengths: [Int]) -> [UInt8] {
      var changed = frame
      changed[18] = UInt8(lengths.count)
      for length in lengths { changed += [UInt8(length)] + [UInt8](repeating: UInt8(ascii: "a"), count: length) }
      return changed
    }
    let most = RedirectTrail.maximumURLBytes
    let urls = [[UInt8](repeating: UInt8(ascii: "a"), count: most), [UInt8(ascii: "a")]]
    #expect(try RedirectFrame.decode(framed([most, 1])).trail.urls == urls)
    let count = RedirectTrail.maximumURLs
    #expect(try RedirectFrame.decode(framed(Array(repeating: 0, count: count))).trail.urls.count == count)
    #expect(throws: FrameError.self) { try RedirectFrame.decode(framed(Array(repeating: 0, count: count + 1))) }
    #expect(throws: FrameError.self) { try RedirectFrame.decode(framed([most + 1])) }
  }
}
