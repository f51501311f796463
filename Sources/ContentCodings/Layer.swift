/// One coding of a body, whichever it is; a closed set, so that calls are direct.
enum Layer {
  case inflate(InflateStream)
  case brotli(BrotliStream)
  case zstd(ZstdStream)

  init(_ coding: ContentCoding) {
    switch coding {
    case .gzip, .deflate: self = .inflate(InflateStream(coding))
    case .brotli: self = .brotli(BrotliStream())
    case .zstd: self = .zstd(ZstdStream())
    }
  }

  func decode(_ passage: inout Passage) throws(CodingError) -> StreamStop {
    switch self {
    case .inflate(let stream): try stream.decode(&passage)
    case .brotli(let stream): try stream.decode(&passage)
    case .zstd(let stream): try stream.decode(&passage)
    }
  }

  var isComplete: Bool {
    switch self {
    case .inflate(let stream): stream.isComplete
    case .brotli(let stream): stream.isComplete
    case .zstd(let stream): stream.isComplete
    }
  }

  func grant(_ bytes: Int) {
    switch self {
    case .inflate(let stream): stream.grantedBytes = bytes
    case .brotli(let stream): stream.grantedBytes = bytes
    case .zstd(let stream): stream.grantedBytes = bytes
    }
  }

  func restart() {
    switch self {
    case .inflate(let stream): stream.restart()
    case .brotli(let stream): stream.restart()
    case .zstd(let stream): stream.restart()
    }
  }

  func freeMemory() {
    switch self {
    case .inflate(let stream): stream.freeMemory()
    case .brotli(let stream): stream.freeMemory()
    case .zstd(let stream): stream.freeMemory()
    }
  }

  /// The most that any stream of this coding needs.
  var largestBytes: Int {
    switch self {
    case .inflate: InflateStream.largestBytes
    case .brotli: BrotliStream.largestBytes
    case .zstd: ZstdStream.largestBytes
    }
  }

  /// What the library has allocated now, and the most it has had.
  var allocatedBytes: (now: Int, peak: Int) {
    switch self {
    case .inflate(let stream): (stream.allocatedBytes, stream.peakBytes)
    case .brotli(let stream): (stream.allocatedBytes, stream.peakBytes)
    case .zstd(let stream): (stream.allocatedBytes, stream.peakBytes)
    }
  }
}
