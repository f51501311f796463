package import FetchModel
import SwiftProtobuf

/// A job's description as JSON text, for files: the field names are those of control.proto.
extension JobSpecification {
  package func text() -> [UInt8] {
    var options = JSONEncodingOptions()
    options.preserveProtoFieldNames = true
    do {
      return try WireJob(self).jsonUTF8Bytes(options: options)
    } catch {
      // Fails only for Any fields and for text that is not UTF-8, of which there are none.
      preconditionFailure("a job cannot be written as JSON: \(error)")
    }
  }

  /// Checks everything, as if it came over a network; what a later version has added is ignored.
  package init(text: [UInt8]) throws(JobCodingError) {
    var options = JSONDecodingOptions()
    options.ignoreUnknownFields = true
    guard let wire = try? WireJob(jsonUTF8Bytes: text, options: options) else { throw JobCodingError(field: "JSON") }
    try self.init(wire)
  }
}
