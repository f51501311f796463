package import Foundation
import SwiftProtobuf

/// A control message could not be read as what it has to be.
package enum EnvelopeError: Error, Equatable, Sendable {
  case notProtobuf
  case noBody
}

/// Bytes as the generated code holds them.
package func bytes(_ bytes: [UInt8]) -> Data { Data(bytes) }

/// Control frames to and from bytes. `sequence` numbers the messages of a session in one direction; it is 0 for what
/// is said outside of one.
package enum Envelope {
  package static func encode(session: UInt64, sequence: UInt64, _ body: WireAgentMessage.OneOf_Body) -> [UInt8] {
    var message = WireAgentMessage()
    message.session = session
    message.sequence = sequence
    message.body = body
    return encoded(message)
  }

  package static func encode(
    session: UInt64,
    sequence: UInt64,
    epoch: UInt64,
    _ body: WireCoordinatorMessage.OneOf_Body
  ) -> [UInt8] {
    var message = WireCoordinatorMessage()
    message.session = session
    message.sequence = sequence
    message.epoch = epoch
    message.body = body
    return encoded(message)
  }

  package static func decodeFromAgent(_ frame: [UInt8]) throws(EnvelopeError)
    -> (session: UInt64, sequence: UInt64, body: WireAgentMessage.OneOf_Body)
  {
    guard let message = try? WireAgentMessage(serializedBytes: frame) else { throw .notProtobuf }
    guard let body = message.body else { throw .noBody }
    return (message.session, message.sequence, body)
  }

  package static func decodeFromCoordinator(_ frame: [UInt8]) throws(EnvelopeError)
    -> (session: UInt64, sequence: UInt64, epoch: UInt64, body: WireCoordinatorMessage.OneOf_Body)
  {
    guard let message = try? WireCoordinatorMessage(serializedBytes: frame) else { throw .notProtobuf }
    guard let body = message.body else { throw .noBody }
    return (message.session, message.sequence, message.epoch, body)
  }

  private static func encoded(_ message: some Message) -> [UInt8] {
    do {
      return try message.serializedBytes()
    } catch {
      // Proto3 messages have no required fields and no Any here; only a message over 2 GiB could fail.
      preconditionFailure("a control message cannot be encoded: \(error)")
    }
  }
}
