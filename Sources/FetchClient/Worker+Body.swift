import ContentCodings
import FetchModel
import HTTP1
import PosixIO
import TLS
import WireProtocol

/// What of a response has come and waits, with the socket unread: because all decoders together have as much memory as
/// they may, or because little makes very much.
struct HeldInput {
  /// Of the body, freed of its framing.
  var body: [UInt8]
  /// Behind it.
  var rest: [UInt8]
  /// Or else it waits for its turn only.
  var lacksMemory: Bool
}

/// How much of a part of a body was taken in.
enum BodyIntake: Equatable {
  /// All of it, or as much as is of use.
  case whole
  /// There is no memory to decode the rest now.
  case starved(taken: Int)
  /// The rest has to wait until others have had their turn.
  case interrupted(taken: Int)
}

/// Bodies: decoding, limits, and what is kept of them.
extension Worker {
  /// Bytes that a body may make before others have their turn.
  private static let decodedPerTurn: UInt64 = 4 * 1024 * 1024

  /// How a body is to be decoded is known from the head. One that cannot be ends the attempt.
  func prepareDecoding(_ connection: Connection, _ job: WorkerJob) {
    connection.attempt.decodedBytes = 0
    connection.isDecoding = false
    let head = connection.reader.head
    guard head.framing != .none, head.framing != .length(0) else { return }
    var codings = CodingList()
    do throws(CodingListProblem) {
      var field = head.firstIndex(of: "content-encoding")
      while let index = field {
        let value = head.bytes.span.extracting(head.value(at: index))
        try codings.append(field: value, accepted: connection.attempt.acceptedCodings)
        field = head.firstIndex(of: "content-encoding", from: index + 1)
      }
    } catch {
      fail(connection, FetchFailure(.contentEncodingInvalid, in: .head, "\(hostName(connection)): \(error)"))
      return
    }
    guard !codings.isEmpty else { return }
    connection.isDecoding = true
    if let known = connection.decoder, known.codings == codings {
      known.restart()
    } else {
      connection.decoder = ContentDecoder(codings, budget: decoderBudget)
    }
  }

  /// Takes a part of the body in; less than all only if the decoder has to wait, for memory or for its turn.
  func receivedBody(_ connection: Connection, _ bytes: UnsafeRawBufferPointer, _ job: WorkerJob) -> BodyIntake {
    if connection.attempt.next != nil {
      drain(connection, bytes.count)
      return .whole
    }
    let room = job.body.maximumBytes - connection.attempt.bodyBytes
    let kept = UInt64(bytes.count) <= room ? bytes : UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(room)))
    if connection.isDecoding {
      let intake = decode(kept, of: connection, job)
      guard intake == .whole, connection.state != .closed else { return intake }
    } else {
      if job.decodes { connection.attempt.decodedBytes? += UInt64(kept.count) }
      keep(kept, of: connection, job.body)
    }
    connection.attempt.bodyBytes += UInt64(kept.count)
    if kept.count < bytes.count {
      connection.attempt.isTruncated = true
      conclude(connection, nil, job)
      close(connection)
      pump(connection.origin)
    }
    return .whole
  }

  private func decode(_ bytes: UnsafeRawBufferPointer, of connection: Connection, _ job: WorkerJob) -> BodyIntake {
    guard let decoder = connection.decoder else { return .whole }
    // Those who wait come first.
    if isMemoryShort, !isDecodingOn, decoder.reservedBytes == 0 { return .starved(taken: 0) }
    let policy = job.body
    let most = decoder.decodedBytes + Self.decodedPerTurn
    var offset = 0
    repeat {
      let step: ContentDecoder.Step
      do throws(CodingError) {
        step = try decoder.decode(UnsafeRawBufferPointer(rebasing: bytes[offset...]), into: decodeBuffer)
      } catch {
        connection.attempt.bodyBytes += UInt64(bytes.count)
        fail(connection, FetchFailure(.contentEncodingInvalid, in: .body, "\(hostName(connection)): \(error)"))
        return .whole
      }
      guard case .progress(let consumed, let produced) = step else {
        connection.attempt.bodyBytes += UInt64(offset)
        return .starved(taken: offset)
      }
      offset += consumed
      guard decoder.decodedBytes <= policy.maximumDecodedBytes else {
        let message =
          "\(hostName(connection)): the body is longer than \(policy.maximumDecodedBytes) bytes once decoded"
        connection.attempt.bodyBytes += UInt64(bytes.count)
        fail(connection, FetchFailure(.decodedTooLarge, in: .body, message))
        return .whole
      }
      connection.attempt.decodedBytes? += UInt64(produced)
      keep(UnsafeRawBufferPointer(start: decodeBuffer.baseAddress, count: produced), of: connection, policy)
      if decoder.decodedBytes > most, offset < bytes.count || decoder.hasMore {
        connection.attempt.bodyBytes += UInt64(offset)
        return .interrupted(taken: offset)
      }
    } while offset < bytes.count || decoder.hasMore
    return .whole
  }

  private func keep(_ bytes: UnsafeRawBufferPointer, of connection: Connection, _ policy: BodyPolicy) {
    switch policy.disposition {
    case .discard: break
    case .hash, .inline:
      let hasher = connection.hasher ?? SHA256Hasher()
      connection.hasher = hasher
      hasher.update(bytes)
      if policy.disposition == .inline {
        let left = policy.inlineMaximumBytes - connection.inlineBody.count
        if left > 0 { connection.inlineBody.append(contentsOf: bytes.prefix(left)) }
      }
    }
  }

  /// The body is over; false if its coding is not, which ends the attempt.
  func finishDecoding(_ connection: Connection) -> Bool {
    guard connection.isDecoding, connection.attempt.next == nil, let decoder = connection.decoder else { return true }
    connection.isDecoding = false
    do throws(CodingError) { try decoder.finish() } catch {
      fail(connection, FetchFailure(.contentEncodingInvalid, in: .body, "\(hostName(connection)): \(error)"))
      return false
    }
    // Thousands of connections that rest would keep the budget from those that decode.
    decoder.giveBack()
    return true
  }

  // MARK: Waiting

  private var isMemoryShort: Bool { undecoded.contains { $0.held?.lacksMemory == true } }

  /// Keeps what cannot be decoded now, and reads no more. Out of the poll set, which would say again and again that the
  /// peer hung up.
  func hold(_ connection: Connection, body: UnsafeRawBufferPointer, rest: UnsafeRawBufferPointer, lacksMemory: Bool) {
    connection.held = HeldInput(body: Array(body), rest: Array(rest), lacksMemory: lacksMemory)
    undecoded.append(connection)
    do throws(SystemError) { try poller.remove(connection.descriptor) } catch {
      return fail(connection, FetchFailure(.reset, in: .local, error.description))
    }
    if let job { renewDeadline(connection, lacksMemory ? .awaitingMemory : .decoding, job) }
  }

  /// Its time is up, for want of something on this host: the row may come again, and no attempt is spent.
  func returnForMemory(_ connection: Connection) {
    let row = connection.attempt.pending.row
    let redirect = connection.attempt.pending.redirect
    let cause: Deferral.Cause = redirect == nil ? .localTrouble : .redirect
    builder.add(Deferral(seq: row.seq, cause: cause, attempts: row.attempts, redirect: redirect), now: now)
    effort.deferred += 1
    let origin = connection.origin
    connection.hasher?.restart()
    close(connection)
    say(trouble: "no memory is left to decode bodies with (\(decoderBudget.limitBytes >> 20) MiB an agent)")
    pump(origin)
  }

  /// Goes on with those that have waited for their turn, and from time to time with those that wait for memory, in the
  /// order in which they began to: what others give back is not announced.
  func decodeOn() {
    guard !undecoded.isEmpty else { return }
    isDecodingOn = true
    defer { isDecodingOn = false }
    var looksForMemory = now >= memoryDueAt
    if looksForMemory { memoryDueAt = now.adding(nanoseconds: Self.memoryInterval) }
    let waiting = undecoded
    undecoded = []
    for connection in waiting {
      guard let held = connection.held else { continue }
      guard looksForMemory || !held.lacksMemory else {
        undecoded.append(connection)
        continue
      }
      decodeRest(connection, held)
      // The first that finds none keeps its place, and so do those behind.
      if connection.held?.lacksMemory == true { looksForMemory = false }
    }
  }

  private func decodeRest(_ connection: Connection, _ held: HeldInput) {
    guard let job else { return }
    // Others were decoded since the event.
    now = Clock.bootTime()
    let intake = held.body.withUnsafeBytes { receivedBody(connection, $0, job) }
    guard connection.state != .closed else { return }
    switch intake {
    case .starved(let taken): return keepHeld(connection, held, taken, lacksMemory: true)
    case .interrupted(let taken): return keepHeld(connection, held, taken, lacksMemory: false)
    case .whole: break
    }
    connection.held = nil
    do throws(SystemError) {
      try poller.add(connection.descriptor, for: connection.interest, token: connection.pollToken)
    } catch {
      return fail(connection, FetchFailure(.reset, in: .local, error.description))
    }
    // The server has not been slow.
    connection.stageStart = now
    connection.attempt.speed.start(at: now)
    held.rest.withUnsafeBytes { parse(connection, $0, job) }
    if connection.isExchanging { receive(connection, job) }
  }

  private func keepHeld(_ connection: Connection, _ held: HeldInput, _ taken: Int, lacksMemory: Bool) {
    connection.held = HeldInput(body: Array(held.body[taken...]), rest: held.rest, lacksMemory: lacksMemory)
    undecoded.append(connection)
  }
}
