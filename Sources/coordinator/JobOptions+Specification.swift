import ArgumentParser
import FetchModel
import Foundation
import Records

extension JobOptions {
  func checkNumbers() throws {
    for (name, value) in [
      ("--connect-timeout", connectTimeout), ("--max-time", maxTime), ("--speed-time", speedTime),
      ("--first-byte-timeout", firstByteTimeout ?? 1), ("--idle-timeout", idleTimeout ?? 1),
      ("--retry-max-time", retryMaxTime ?? 1), ("--give-up-after", giveUpAfter),
    ] {
      guard value > 0, value <= 1e6 else { throw ValidationError("\(name) takes seconds above 0, at most 1000000") }
    }
    if let retryDelay {
      guard retryDelay >= 0, retryDelay <= 86_400 else {
        throw ValidationError("--retry-delay takes 0 to 86400 seconds")
      }
    }
    guard (0...1000).contains(retry) else { throw ValidationError("--retry takes 0 to 1000") }
    guard (0...1000).contains(maxRedirs) else { throw ValidationError("--max-redirs takes 0 to 1000") }
    guard (1...100_000).contains(perOrigin) else { throw ValidationError("--per-origin takes 1 to 100000") }
    guard (0...RecordWriter.maximumBodyBytes).contains(inlineMax) else {
      throw ValidationError("--inline-max takes 0 to \(RecordWriter.maximumBodyBytes) bytes")
    }
    guard !(ipv4 && ipv6) else { throw ValidationError("-4 and -6 exclude each other") }
  }

  /// The job, checked whole; reads the files that options name.
  func specification() throws -> JobSpecification {
    var job = JobSpecification()
    job.request = try requestDefaults()
    job.deadlines.connect = .seconds(connectTimeout)
    job.deadlines.total = .seconds(maxTime)
    job.deadlines.firstByte = firstByteTimeout.map { .seconds($0) }
    job.deadlines.idle = idleTimeout.map { .seconds($0) }
    job.deadlines.lowSpeedBytesPerSecond = speedLimit
    job.deadlines.lowSpeedTime = .seconds(speedTime)
    job.redirects.follow = location
    job.redirects.maximumHops = maxRedirs
    job.redirects.mayLeadToPrivate = redirectsToPrivate
    job.retry.count = retry
    job.retry.delay = retryDelay.map { .seconds($0) }
    job.retry.maximumTime = retryMaxTime.map { .seconds($0) }
    job.retry.giveUpAfter = .seconds(giveUpAfter)
    job.retry.includesUnsafe = retryUnsafe
    job.tls = try tlsPolicy()
    job.addressing = try addressingPolicy()
    job.proxies = try proxyPolicy()
    try checkNoAccount(in: job.request.headers, for: job.proxies)
    job.connectionsPerOrigin = perOrigin
    job.body = try bodyPolicy()
    return job
  }

  // MARK: Request

  private func requestDefaults() throws -> RequestDefaults {
    var request = RequestDefaults()
    let given = try headers.flatMap(headerArguments)
    var fields = given.compactMap(\.field)
    // What the user names comes from the user alone, even if that is nothing.
    var named = Set(given.map { $0.name.lowercased() })
    func add(_ name: String, _ value: String) throws {
      guard named.insert(name.lowercased()).inserted else { return }
      guard let field = HeaderField(name, value) else {
        throw ValidationError("the value for \(name) is no header value")
      }
      fields.append(field)
    }
    let agent = userAgent ?? "trawl/0.1"
    if !agent.isEmpty { try add("User-Agent", agent) }
    if let referer { try add("Referer", referer) }
    if let cookie { try add("Cookie", cookie) }
    if let user {
      // RFC 7617 section 2: the colon is there even without a password.
      let credentials = user.contains(":") ? user : user + ":"
      try add("Authorization", "Basic " + Data(credentials.utf8).base64EncodedString())
    }
    if let json {
      guard data.isEmpty else { throw ValidationError("--json and --data exclude each other") }
      request.body = try argumentOrFile(json, option: "--json")
      try add("Content-Type", "application/json")
      try add("Accept", "application/json")
    } else if !data.isEmpty {
      // As with curl: line ends and NULs of a file are left out.
      let parts = try data.map { argument in
        let bytes = try argumentOrFile(argument, option: "--data")
        return argument.hasPrefix("@") ? bytes.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 } : bytes
      }
      request.body = Array(parts.joined(separator: [UInt8(ascii: "&")]))
      try add("Content-Type", "application/x-www-form-urlencoded")
    }
    try add("Accept", "*/*")
    if compressed { try add("Accept-Encoding", "gzip, deflate, br, zstd") }
    guard fields.reduce(0, { $0 + $1.name.count + $1.value.count + 4 }) <= RowRequest.maximumHeaderBytes else {
      throw ValidationError("the header fields are longer than \(RowRequest.maximumHeaderBytes) bytes together")
    }
    request.headers = fields
    request.method = try defaultMethod(hasBody: request.body != nil)
    return request
  }

  private func defaultMethod(hasBody: Bool) throws -> RequestMethod {
    if let method {
      guard let parsed = RequestMethod(token: method.utf8), method != "CONNECT" else {
        throw ValidationError("\(method) is no request method")
      }
      return parsed
    }
    guard !(head && hasBody) else { throw ValidationError("--head and a body exclude each other") }
    return head ? .head : hasBody ? .post : .get
  }

  /// What a --header says of one field: its value, or nil for none, which takes away what would be sent otherwise.
  private struct HeaderArgument {
    let name: String
    let field: HeaderField?
  }

  private func headerArguments(_ argument: String) throws -> [HeaderArgument] {
    if argument.hasPrefix("@") {
      let text = String(decoding: try bytes(ofFile: String(argument.dropFirst()), option: "--header"), as: UTF8.self)
      return try text.split(whereSeparator: \.isNewline).flatMap { try headerArguments(String($0)) }
    }
    let name: String
    let field: HeaderField?
    var isTakenAway = false
    if let colon = argument.firstIndex(of: ":") {
      name = String(argument[..<colon])
      field = HeaderField(name, String(argument[argument.index(after: colon)...]))
      isTakenAway = field?.value.isEmpty == true
    } else {
      name = String(argument.dropLast())
      field = argument.hasSuffix(";") ? HeaderField(name, "") : nil
    }
    // The value may be a secret, so it is not repeated.
    guard let field else { throw ValidationError("a --header is not of the form 'Name: value'") }
    return [HeaderArgument(name: name, field: isTakenAway ? nil : field)]
  }

  func argumentOrFile(_ argument: String, option: String) throws -> [UInt8] {
    argument.hasPrefix("@") ? try bytes(ofFile: String(argument.dropFirst()), option: option) : Array(argument.utf8)
  }

  func bytes(ofFile path: String, option: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ValidationError("\(option): cannot read \(path)")
    }
    return Array(data)
  }

  // MARK: Bodies

  private func bodyPolicy() throws -> BodyPolicy {
    var policy = BodyPolicy()
    switch body {
    case "discard": policy.disposition = .discard
    case "hash": policy.disposition = .hash
    case "inline": policy.disposition = .inline
    default: throw ValidationError("--body takes discard, hash or inline")
    }
    policy.inlineMaximumBytes = inlineMax
    // As with curl, 0 is no limit.
    policy.maximumBytes = maxFilesize == 0 ? .max : maxFilesize
    policy.decodes = compressed
    policy.maximumDecodedBytes = maxDecoded == 0 ? .max : maxDecoded
    policy.includesHeaders = includeHeaders
    return policy
  }
}

extension Duration {
  fileprivate static func seconds(_ value: Double) -> Duration { .nanoseconds(Int64(value * 1e9)) }
}
