package import FetchModel
import Foundation
import JobStore
import Keys
import Records
import WireProtocol

/// What `job.json` and `secrets` say: everything that is needed to go on with a job after a crash.
///
/// `job.json` holds no secret: values of header fields that are not known to be harmless, the body and the private key
/// stand in `secrets` only, a second file of mode 0600.
struct JobDescription {
  /// The part that is the coordinator's own.
  struct Terms: Codable, Equatable {
    struct Input: Codable, Equatable {
      /// Absolute; `-` for what was spooled.
      var path: String
      /// Of a file; nil for what was spooled.
      var identity: InputIdentity?
    }

    struct Agents: Codable, Equatable {
      /// How many are started on this host; nil: they dial in.
      var count: Int?
      var threads: Int?
      var denyPrivate: Bool?
      var allowPorts: String?
      var interface: String?
      var dnsServers: String?
      /// Where they dial in.
      var listen: String?
      var keys: String?
    }

    var version = 1
    /// 16 random bytes in hexadecimal digits.
    var job: String
    var createdAt: String
    var input: Input
    var agents: Agents
    var failsOnErrors: Bool
    /// `secrets` has the specification whole.
    var isSealed: Bool
  }

  /// What every version of the file has.
  private struct Version: Decodable {
    var version: Int
  }

  var terms: Terms
  var specification: JobSpecification

  private static let specificationKey = "specification"
  private static let limit = 64 * 1024 * 1024

  init(terms: Terms, specification: JobSpecification) {
    self.terms = terms
    self.specification = specification
  }

  // MARK: Writing

  /// The secrets first: `job.json` is what makes a job of the folder.
  func write(to directory: JobDirectory) throws {
    if terms.isSealed { try directory.replace("secrets", with: specification.text()) }
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard var object = try JSONSerialization.jsonObject(with: try encoder.encode(terms)) as? [String: Any] else {
      preconditionFailure("a structure is encoded as an object")
    }
    object[Self.specificationKey] = try JSONSerialization.jsonObject(with: Data(specification.withoutSecrets.text()))
    let data = try JSONSerialization.data(
      withJSONObject: object,
      options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    )
    try directory.replace("job.json", with: Array(data) + [0x0A])
  }

  // MARK: Reading

  init(from directory: JobDirectory) throws {
    func read(_ name: String) throws -> [UInt8] {
      guard let bytes = try directory.read(name, limit: Self.limit) else {
        throw CoordinatorError("\(directory.path)/\(name) is missing; put it back from a copy, or start a new job")
      }
      return bytes
    }
    let bytes = try read("job.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let damaged = CoordinatorError("\(directory.path)/job.json is damaged; put it back from a copy, or start a new job")
    guard let version = try? decoder.decode(Version.self, from: Data(bytes)).version else { throw damaged }
    guard version == 1 else {
      throw CoordinatorError(
        "\(directory.path)/job.json is of version \(version), and this program knows 1 only: use a newer one"
      )
    }
    guard let terms = try? decoder.decode(Terms.self, from: Data(bytes)),
      let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let specification = object[Self.specificationKey],
      let text = try? JSONSerialization.data(withJSONObject: specification),
      // As the command line allows.
      (1...256).contains(terms.agents.count ?? 1), (1...256).contains(terms.agents.threads ?? 1)
    else { throw damaged }
    self.terms = terms
    if terms.isSealed { try directory.refuseOpenToOthers("secrets") }
    let whole = terms.isSealed ? try read("secrets") : Array(text)
    do throws(JobCodingError) {
      self.specification = try JobSpecification(text: whole)
    } catch {
      let name = terms.isSealed ? "secrets" : "job.json"
      throw CoordinatorError(
        "\(directory.path)/\(name) is damaged (\(error)); put it back from a copy, or start a new job"
      )
    }
    guard (try? identifier) != nil else { throw damaged }
  }

  /// The 16 bytes of the job's identifier.
  var identifier: [UInt8] {
    get throws {
      let digits = Array(terms.job.utf8)
      let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
        UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16)
      }
      guard digits.count == 32, bytes.count == 16 else {
        throw CoordinatorError("the job's identifier in job.json is damaged; put that file back from a copy")
      }
      return bytes
    }
  }
}

/// Two hexadecimal digits a byte.
func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

extension JobSpecification {
  /// Whether it holds what must not cross a network in the clear.
  package var holdsCredentials: Bool {
    tls.privateKeyPEM != nil || proxies.holdCredentials || request.headers.contains { isCredentialField($0.name) }
  }

  /// Header fields whose values are no secrets; any other may be a key of somebody's interface.
  private static let harmlessFields: Set<String> = [
    "accept", "accept-encoding", "accept-language", "cache-control", "content-type", "from", "if-modified-since",
    "if-none-match", "origin", "pragma", "range", "referer", "user-agent",
  ]

  private static func isHarmless(_ field: HeaderField) -> Bool {
    harmlessFields.contains(String(decoding: field.name, as: UTF8.self).lowercased())
  }

  var hasSecrets: Bool {
    tls.privateKeyPEM != nil || proxies.holdCredentials || request.body != nil
      || !request.headers.allSatisfy(Self.isHarmless)
  }

  var withoutSecrets: JobSpecification {
    var open = self
    open.tls.privateKeyPEM = nil
    open.proxies.http?.credentials = nil
    open.proxies.https?.credentials = nil
    open.request.body = nil
    open.request.headers = request.headers.map { field in
      Self.isHarmless(field) ? field : HeaderField(String(decoding: field.name, as: UTF8.self), "REDACTED") ?? field
    }
    return open
  }
}

extension JobDescription.Terms.Agents {
  init(_ configuration: CoordinatorConfiguration) {
    switch configuration.agents {
    case .local(let plan):
      self.init(
        count: plan.count,
        threads: plan.threads,
        denyPrivate: plan.deniesPrivate ? true : nil,
        allowPorts: plan.allowedPorts,
        interface: plan.interface,
        dnsServers: plan.nameServers
      )
    case .remote(let endpoint):
      self.init(
        listen: endpoint,
        keys: configuration.keys.map { URL(fileURLWithPath: $0.path).standardizedFileURL.path }
      )
    }
  }

  /// Agents that are started here instead keep the limits of those the job began with.
  func narrowing(_ agents: CoordinatorConfiguration.Agents) -> CoordinatorConfiguration.Agents {
    guard case .local(var plan) = agents else { return agents }
    plan.deniesPrivate = plan.deniesPrivate || denyPrivate == true
    plan.allowedPorts = plan.allowedPorts ?? allowPorts
    plan.interface = plan.interface ?? interface
    plan.nameServers = plan.nameServers ?? dnsServers
    return .local(plan)
  }

  /// Where agents come from, in the terms of a run.
  var configured: CoordinatorConfiguration.Agents {
    get throws {
      if let count, let threads {
        var plan = LocalAgentPlan(count: count, threads: threads)
        plan.deniesPrivate = denyPrivate == true
        plan.allowedPorts = allowPorts
        plan.interface = interface
        plan.nameServers = dnsServers
        return .local(plan)
      }
      if let listen { return .remote(endpoint: listen) }
      throw CoordinatorError("job.json does not say where agents come from; say --listen or --agents")
    }
  }
}
