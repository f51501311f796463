// Owns: the decoding of content codings, and the one door to libz, libbrotlidec and libzstd. Bytes in, bytes out: no
// I/O and no clock.
//
// Theory of operation
//
// A response names its codings in the order in which the server applied them (CodingList), a ContentDecoder takes them
// off in reverse, each by a layer: InflateStream, BrotliStream or ZstdStream. A layer hides from the others where its
// library stops: at the end of one member, one frame, one stream. Nothing depends on how input and output are cut.
//
// Memory is charged to one budget before a library allocates it. One layer waits until the stream has said how large
// its window is, and is charged for that; until then it holds nothing, and if a later frame needs more it gives back
// what it has before it asks, so those who wait never hold anything. Several layers can only ask one after the other
// and would hold something meanwhile, so they are charged for the most that their codings can need, at once. How
// much a library really allocates is in the comments of the streams, and measured by the tests.
//
// Bombs are for the caller to stop: a call writes no more than there is room, and passes at most `workBytes` from
// layer to layer, so that it ends soon even if all of that comes to nothing; `decodedBytes` counts what every layer has
// made. libbrotlidec alone works ahead, by its window (16 MiB at most).
//
// What ends a body must be the end of each layer. Bytes after it are ignored, whatever the coding, unless they begin as
// another gzip member or zstd frame does. Browsers do so as well; servers that pad with zeros, or append a second
// document by mistake, are as old as gzip, and what was promised has been checked by then. A body without any bytes is
// complete, whatever its codings (a response to HEAD, 304), and so is a layer that gets none.

/// Decodes one body after the other, all of the same codings. Belongs to one thread. Once it has thrown, it
/// decodes no more.
package final class ContentDecoder {
  package enum Step: Equatable, Sendable {
    /// So much of the input was read and of the output written. Both are 0 if there was nothing to read, or if the
    /// call has done its share of work (then `hasMore`).
    case progress(consumed: Int, produced: Int)
    /// The budget has no room now, and nothing is held: the same call is to be made again later.
    case needsMemory
  }

  /// Of each buffer between two layers.
  static let bufferBytes = 16 << 10
  /// What one call passes between layers until it leaves the rest to the next.
  private static let workBytes = 1 << 20

  /// Of the bodies it decodes.
  package let codings: CodingList
  /// Whether a call without further input may produce something: the output was full, or one call's share of work done,
  /// or memory is needed first.
  package private(set) var hasMore = false
  /// How many bytes all layers have made of this body, which a limit on decoded bytes is best compared with: layers
  /// between can make much that comes to nothing. For one coding it is what was produced.
  package private(set) var decodedBytes: UInt64 = 0
  /// What is charged to the budget for it.
  package private(set) var reservedBytes = 0

  private let budget: DecoderBudget
  /// The first takes what the connection brings.
  private let layers: [Layer]
  /// Between layer i and i + 1; empty until there is memory for them.
  private var buffers: [LayerBuffer] = []
  private var hasFailed = false

  /// At least one coding.
  package init(_ codings: CodingList, budget: DecoderBudget) {
    precondition(!codings.isEmpty, "no coding to decode")
    self.codings = codings
    self.budget = budget
    layers = codings.reversed().map { Layer($0) }
  }

  deinit { freeMemory() }

  /// What the libraries have allocated: now, and at most so far.
  package var allocatedBytes: (now: Int, peak: Int) {
    layers.reduce((0, 0)) { ($0.0 + $1.allocatedBytes.now, $0.1 + $1.allocatedBytes.peak) }
  }

  /// Reads on. The output has room; both may be of any size and other ones with each call. To be called until the input
  /// is consumed and `hasMore` is false.
  package func decode(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
    throws(CodingError) -> Step
  {
    precondition(!hasFailed, "a decoder that has failed is used again")
    var passage = Passage(from: input, to: output)
    do throws(CodingError) {
      let hasMemory = try layers.count == 1 ? decodeAlone(&passage) : decodeLayers(&passage)
      let consumed = input.count - passage.inputCount
      let produced = output.count - passage.outputCount
      decodedBytes += UInt64(produced)
      guard !hasMemory else { return .progress(consumed: consumed, produced: produced) }
      hasMore = true
      return consumed + produced > 0 ? .progress(consumed: consumed, produced: produced) : .needsMemory
    } catch {
      hasFailed = true
      throw error
    }
  }

  /// The body is over: throws if one of its codings is not.
  package func finish() throws(CodingError) {
    precondition(!hasFailed, "a decoder that has failed is used again")
    precondition(!hasMore, "a body is finished before it is decoded")
    for index in layers.indices where !layers[index].isComplete {
      hasFailed = true
      throw .truncated(codings[codings.count - 1 - index])
    }
  }

  /// Ready for another body of the same codings, wherever the last one has stopped. The memory stays, and stays
  /// charged: a decoder that rests for long is to give it back.
  package func restart() {
    precondition(!hasFailed, "a decoder that has failed is used again")
    for layer in layers { layer.restart() }
    for index in buffers.indices { buffers[index].clear() }
    hasMore = false
    decodedBytes = 0
  }

  /// Frees all memory and takes it off the budget; otherwise as `restart`, and the only thing that a decoder that has
  /// failed is still good for.
  package func giveBack() {
    freeMemory()
    if !hasFailed { restart() }
  }

  private func freeMemory() {
    for layer in layers { layer.freeMemory() }
    buffers = []
    budget.release(reservedBytes)
    reservedBytes = 0
  }

  // MARK: One layer

  /// Whether there was memory.
  private func decodeAlone(_ passage: inout Passage) throws(CodingError) -> Bool {
    while true {
      switch try layers[0].decode(&passage) {
      case .passed:
        hasMore = passage.outputCount == 0 && !layers[0].isComplete
        return true
      case .needs(let bytes):
        freeMemory()
        guard budget.reserve(bytes) else { return false }
        reservedBytes = bytes
        layers[0].grant(bytes)
      }
    }
  }

  // MARK: Several layers

  /// Whether there was memory.
  private func decodeLayers(_ passage: inout Passage) throws(CodingError) -> Bool {
    guard reservedBytes > 0 || passage.inputCount > 0 else { return true }
    guard reservedBytes > 0 || reserveForAll() else { return false }
    var work = 0
    var isMoving = true
    while isMoving, work < Self.workBytes {
      isMoving = false
      for index in layers.indices {
        let moved = try move(index, &passage)
        if index < buffers.count { work += moved.produced }
        isMoving = isMoving || moved.consumed + moved.produced > 0
      }
    }
    decodedBytes += UInt64(work)
    hasMore = isMoving || passage.outputCount == 0
    return true
  }

  private func reserveForAll() -> Bool {
    let bytes = layers.reduce(0) { $0 + $1.largestBytes } + (layers.count - 1) * Self.bufferBytes
    guard budget.reserve(bytes) else { return false }
    reservedBytes = bytes
    for layer in layers { layer.grant(layer.largestBytes) }
    buffers = (1..<layers.count).map { _ in LayerBuffer(bytes: Self.bufferBytes) }
    return true
  }

  /// Lets one layer read what the one before it has made.
  private func move(_ index: Int, _ passage: inout Passage) throws(CodingError) -> (consumed: Int, produced: Int) {
    let isFirst = index == 0
    let isLast = index == layers.count - 1
    // A buffer is filled again once it was read to its end, so nothing is ever shifted in it.
    guard isLast ? passage.outputCount > 0 : buffers[index].isEmpty else { return (0, 0) }
    let source = isFirst ? passage.unread : buffers[index - 1].unread
    let target = isLast ? passage.room : buffers[index].room
    var part = Passage(from: source, to: target)
    let stop = try layers[index].decode(&part)
    precondition(stop == .passed, "a layer needs more than the most it can need")
    let consumed = source.count - part.inputCount
    let produced = target.count - part.outputCount
    if isFirst { passage.consume(consumed) } else { buffers[index - 1].consume(consumed) }
    if isLast { passage.produce(produced) } else { buffers[index].fill(produced) }
    return (consumed, produced)
  }
}
