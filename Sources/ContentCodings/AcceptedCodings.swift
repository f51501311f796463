/// The codings that a request has asked for, so that its response may have them.
package struct AcceptedCodings: OptionSet, Equatable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package init(_ coding: ContentCoding) { rawValue = 1 << coding.rawValue }

  /// Whatever can be decoded.
  package static let all = AcceptedCodings(ContentCoding.allCases.map { AcceptedCodings($0) })

  /// From the value of an Accept-Encoding field (RFC 9110 section 12.5.3): a name with a weight of 0 is refused, "*"
  /// stands for those without a name in the list. Names that nobody here decodes are passed over.
  package init(field value: Span<UInt8>) {
    var named: AcceptedCodings = []
    var accepted: AcceptedCodings = []
    var acceptsOthers = false
    value.forEachElement { element in
      var end = 0
      while end < element.count, element[end] != UInt8(ascii: ";") { end += 1 }
      let name = element.extracting(element.trimmed(0..<end))
      let isAccepted = !Self.hasNoWeight(element.extracting(end..<element.count))
      if name.isEqual(lowercased: "*") {
        acceptsOthers = isAccepted
      } else if let coding = ContentCoding(name: name) {
        let coding = AcceptedCodings(coding)
        named.formUnion(coding)
        if isAccepted { accepted.formUnion(coding) } else { accepted.subtract(coding) }
      }
    }
    self = acceptsOthers ? accepted.union(AcceptedCodings.all.subtracting(named)) : accepted
  }

  package func contains(_ coding: ContentCoding) -> Bool { contains(AcceptedCodings(coding)) }

  /// Whether parameters, each behind its ";", say a weight of zero: "q=0" with zeros at most behind the point
  /// (RFC 9110 section 12.4.2).
  private static func hasNoWeight(_ parameters: Span<UInt8>) -> Bool {
    var start = 0
    while start < parameters.count {
      var end = start + 1
      while end < parameters.count, parameters[end] != UInt8(ascii: ";") { end += 1 }
      let parameter = parameters.extracting(parameters.trimmed(start + 1..<end))
      start = end
      guard parameter.count > 2, parameter[0] | 0x20 == UInt8(ascii: "q"), parameter[1] == UInt8(ascii: "=") else {
        continue
      }
      let weight = parameter.extracting(2..<parameter.count)
      return weight.indices.allSatisfy {
        weight[$0] == UInt8(ascii: "0") || ($0 == 1 && weight[$0] == UInt8(ascii: "."))
      }
    }
    return false
  }
}
