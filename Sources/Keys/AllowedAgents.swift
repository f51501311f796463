/// The file `allowed-agents`, which is read again when it changes.
package struct AllowedAgents: Sendable {
  /// What a look at the file has shown.
  package enum Look: Equatable, Sendable {
    case unchanged
    case changed(AdmissionList)
    /// It cannot be used, so what was read last holds; said once for each reason.
    case unusable(String)
    /// It can be used again, and says what it said.
    case usableAgain
  }

  /// What was read last.
  package private(set) var list: AdmissionList
  private let path: String
  private var version: KeyFolder.Version?
  private var trouble: String?

  package init(reading path: String) throws(KeyError) {
    self.path = path
    (list, version) = try Self.read(path)
  }

  /// Looks at the file; reads it if it is another than before.
  package mutating func look() -> Look {
    do throws(KeyError) {
      let isSame = try KeyFolder(opening: path).version(of: KeyFile.allowedAgents) == version
      if isSame, trouble == nil { return .unchanged }
      let (found, version) = try Self.read(path)
      let hadTrouble = trouble != nil
      trouble = nil
      self.version = version
      guard found != list else { return hadTrouble ? .usableAgain : .unchanged }
      list = found
      return .changed(found)
    } catch {
      guard trouble != error.description else { return .unchanged }
      trouble = error.description
      return .unusable(error.description)
    }
  }

  private static func read(_ path: String) throws(KeyError) -> (AdmissionList, KeyFolder.Version) {
    let folder = try KeyFolder(opening: path)
    let (bytes, version) = try folder.read(KeyFile.allowedAgents, .integrity)
    // Somebody may be writing into it.
    guard try folder.version(of: KeyFile.allowedAgents) == version else {
      throw KeyError("\(folder.path(of: KeyFile.allowedAgents)) changes while it is read")
    }
    do throws(AdmissionListError) {
      return (try AdmissionList(parsing: bytes), version)
    } catch {
      throw KeyError("\(folder.path(of: KeyFile.allowedAgents)): \(error)")
    }
  }
}
