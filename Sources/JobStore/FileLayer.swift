package import PosixIO

/// How a file is opened. None of them follows a link.
package enum FileOpening: Sendable {
  case reading
  /// For appending, cutting and reading; made if it is missing.
  case appending
  /// The same, but the file must not exist.
  case creating
}

/// What is known of an open file.
package struct FileFacts: Equatable, Sendable {
  package var size: UInt64
  /// 0 once its name is gone.
  package var links: UInt64

  package init(size: UInt64, links: UInt64) {
    self.size = size
    self.links = links
  }
}

/// The system calls that everything durable is made of, on flat names in one folder.
///
/// The one seam of this module: tests put a folder in memory here that stops after any call, as a killed process or
/// a power cut does. Calls may come from any thread, but only one thread at a time appends to a file.
package protocol FileLayer: Sendable {
  /// Of the folder, for messages.
  var path: String { get }

  /// Returns a number for the other calls, valid until `close`.
  func open(_ name: String, _ opening: FileOpening) throws(SystemError) -> Int32
  func close(_ file: Int32)
  func facts(_ file: Int32) throws(SystemError) -> FileFacts
  /// Appends at most `count` bytes from `offset` on to `buffer`; returns how many there were, 0 at the end.
  func read(_ file: Int32, at offset: UInt64, _ count: Int, into buffer: inout [UInt8]) throws(SystemError) -> Int
  /// Writes at the end; may take only a part, and returns how many bytes that was.
  func append(_ file: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int
  func truncate(_ file: Int32, to size: UInt64) throws(SystemError)
  /// fdatasync(2).
  func synchronize(_ file: Int32) throws(SystemError)
  func rename(_ name: String, to newName: String) throws(SystemError)
  func remove(_ name: String) throws(SystemError)
  /// fsync(2) of the folder: makes new, changed and removed names durable.
  func synchronizeNames() throws(SystemError)
}
