/// The codings of one response, in the order in which the server applied them (RFC 9110 section 8.4). No allocation.
package struct CodingList: Equatable, Sendable, RandomAccessCollection {
  /// More is taken for an attack: each layer can make a thousand bytes out of one.
  package static let mostLayers = 5

  private var layers: (UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0)
  package private(set) var count = 0

  package init() {}

  /// As if a field had named these; at most `mostLayers`.
  package init(_ codings: some Sequence<ContentCoding>) {
    for coding in codings { append(coding) }
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  package subscript(index: Int) -> ContentCoding {
    precondition(index >= 0 && index < count, "no layer \(index) of \(count)")
    return withUnsafeBytes(of: layers) { ContentCoding(rawValue: $0[index]) } ?? .gzip
  }

  /// Adds what one Content-Encoding field says; to be called for each, in their order, for repeated fields are one list
  /// (RFC 9110 section 5.3). "identity" means nothing and is passed over.
  package mutating func append(field value: Span<UInt8>, accepted: AcceptedCodings) throws(CodingListProblem) {
    // Into a copy, for a closure cannot change a list that is read by it.
    var list = self
    try value.forEachElement { (element) throws(CodingListProblem) in
      guard !element.isEqual(lowercased: "identity") else { return }
      guard let coding = ContentCoding(name: element) else { throw .unknown(name: element.legible) }
      guard accepted.contains(coding) else { throw .notAccepted(coding) }
      guard list.count < Self.mostLayers else { throw .tooManyLayers }
      list.append(coding)
    }
    self = list
  }

  private mutating func append(_ coding: ContentCoding) {
    precondition(count < Self.mostLayers, "more than \(Self.mostLayers) codings")
    withUnsafeMutableBytes(of: &layers) { $0[count] = coding.rawValue }
    count += 1
  }

  package static func == (one: CodingList, other: CodingList) -> Bool {
    one.layers == other.layers && one.count == other.count
  }
}

/// Why a body cannot be decoded as its Content-Encoding fields ask for.
package enum CodingListProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The beginning of the name, printable.
  case unknown(name: String)
  /// A coding that the request has not asked for.
  case notAccepted(ContentCoding)
  case tooManyLayers

  package var description: String {
    switch self {
    case .unknown(let name): "Content-Encoding: \(name) is not known"
    case .notAccepted(let coding): "Content-Encoding: \(coding.name) was not asked for"
    case .tooManyLayers: "Content-Encoding: more than \(CodingList.mostLayers) codings"
    }
  }
}

extension Span<UInt8> {
  /// The first 40 bytes, what is not printable ASCII as "?".
  fileprivate var legible: String {
    var bytes: [UInt8] = []
    for index in 0..<Swift.min(count, 40) {
      bytes.append((0x20..<0x7F).contains(self[index]) ? self[index] : UInt8(ascii: "?"))
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension CodingList: ExpressibleByArrayLiteral {
  package init(arrayLiteral codings: ContentCoding...) { self.init(codings) }
}
