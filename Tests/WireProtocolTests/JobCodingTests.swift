import FetchModel
import Testing
import WireProtocol

@Suite struct JobCodingTests {
  private static func overTheWire(_ job: JobSpecification) throws -> JobSpecification {
    var welcome = WireWelcome()
    welcome.specification = WireJob(job)
    let frame = Envelope.encode(session: 1, sequence: 0, epoch: 1, .welcome(welcome))
    guard case .welcome(let arrived) = try Envelope.decodeFromCoordinator(frame).body else { return JobSpecification() }
    return try JobSpecification(arrived.specification)
  }

  private static func random(_ seed: UInt64) -> JobSpecification {
    var random = WireRandom(seed: seed)
    var job = JobSpecification()
    job.request.method = random.method()
    job.request.headers = (0..<Int(seed % 5)).compactMap { _ in
      HeaderField(name: random.token(), value: random.bytes(upTo: 20).filter { $0 >= 0x20 && $0 != 0x7F })
    }
    func some<Value>(_ value: Value) -> Value? { Bool.random(using: &random) ? value : nil }
    func bytes() -> [UInt8] { random.bytes(upTo: 40) }
    func duration() -> Duration { .nanoseconds(Int64(random.next() >> 1)) }
    job.request.body = some(bytes())
    job.deadlines.connect = duration()
    job.deadlines.total = duration()
    job.deadlines.firstByte = some(.nanoseconds(Int64(random.next() >> 2) + 1))
    job.deadlines.idle = some(.nanoseconds(Int64(random.next() >> 2) + 1))
    job.deadlines.lowSpeedBytesPerSecond = random.number(UInt64.self)
    job.deadlines.lowSpeedTime = duration()
    job.redirects.follow = Bool.random(using: &random)
    job.redirects.maximumHops = Int(random.number(UInt32.self))
    job.redirects.mayLeadToPrivate = Bool.random(using: &random)
    job.retry.count = Int(random.number(UInt32.self))
    job.retry.delay = some(duration())
    job.retry.maximumTime = some(duration())
    job.retry.includesUnsafe = Bool.random(using: &random)
    job.retry.giveUpAfter = duration()
    job.tls.verifies = Bool.random(using: &random)
    job.tls.authoritiesPEM = some(bytes())
    job.tls.certificatePEM = some(bytes())
    job.tls.privateKeyPEM = some(bytes())
    job.tls.minimumVersion = Bool.random(using: &random) ? .tls12 : .tls13
    job.tls.maximumVersion = some(Bool.random(using: &random) ? .tls12 : .tls13)
    job.tls.cipherList = some("ECDHE+AESGCM")
    job.tls.cipherSuites = some("")
    job.tls.pinnedKeys = (0..<Int(seed % 3)).map { _ in (0..<32).map { _ in random.number(UInt8.self) } }
    job.addressing.family = [.any, .ipv4, .ipv6].randomElement(using: &random) ?? .any
    job.addressing.resolveRules = (0..<Int(seed % 3)).map { _ in
      ResolveRule(host: some(bytes()), port: some(.random(in: 1...65_535, using: &random)), addresses: ["::1", "x"])
    }
    job.addressing.connectToRules = (0..<Int(seed % 4)).map { _ in
      let ports = (some(UInt16.random(in: 1...65_535, using: &random)), some(UInt16(443)))
      return ConnectToRule(host: some(bytes()), port: ports.0, targetHost: some(bytes()), targetPort: ports.1)
    }
    func proxy() -> ProxyServer {
      let kinds: [ProxyServer.Kind] = [.http, .socks5, .socks5h]
      let port = UInt16.random(in: 1...65_535, using: &random)
      let credentials = some(ProxyServer.Credentials(user: bytes(), password: bytes()))
      return ProxyServer(kinds[Int(seed % 3)], host: [1] + bytes(), port: port, credentials: credentials)
    }
    job.proxies.http = some(proxy())
    job.proxies.https = some(proxy())
    job.proxies.bypass = (0..<Int(seed % 3)).map { _ in String(decoding: bytes(), as: UTF8.self) }
    job.connectionsPerOrigin = max(1, Int(random.number(UInt32.self)))
    job.body.disposition = [.discard, .hash, .inline].randomElement(using: &random) ?? .hash
    job.body.inlineMaximumBytes = Int(random.number(UInt64.self) >> 1)
    job.body.maximumBytes = random.number(UInt64.self)
    job.body.decodes = Bool.random(using: &random)
    job.body.maximumDecodedBytes = random.number(UInt64.self)
    job.body.includesHeaders = Bool.random(using: &random)
    return job
  }

  @Test func `a job arrives as it was sent`() throws {
    #expect(try Self.overTheWire(JobSpecification()) == JobSpecification())
    for seed in 0..<500 as Range<UInt64> {
      let job = Self.random(seed)
      #expect(try Self.overTheWire(job) == job, "seed \(seed)")
    }
  }

  @Test func `nothing and empty are told apart`() throws {
    var job = JobSpecification()
    job.request.body = []
    job.tls.authoritiesPEM = []
    job.retry.delay = .zero
    job.retry.maximumTime = .zero
    job.addressing.resolveRules = [ResolveRule(host: [], port: nil, addresses: ["127.0.0.1"])]
    #expect(try Self.overTheWire(job) == job)
  }

  @Test func `numbers no wire can carry are clamped`() throws {
    var job = JobSpecification()
    job.retry.count = .max
    job.redirects.maximumHops = .max
    job.connectionsPerOrigin = .max
    job.deadlines.total = .seconds(Int64.max)
    job.deadlines.connect = .seconds(-1)
    let arrived = try Self.overTheWire(job)
    #expect(arrived.retry.count == Int(UInt32.max) && arrived.redirects.maximumHops == Int(UInt32.max))
    #expect(arrived.connectionsPerOrigin == Int(UInt32.max))
    #expect(arrived.deadlines.total == .nanoseconds(Int64.max) && arrived.deadlines.connect == .zero)
  }

  private static func problem(_ change: (inout WireJob) -> Void) -> String? {
    var wire = WireJob(JobSpecification())
    change(&wire)
    do throws(JobCodingError) {
      _ = try JobSpecification(wire)
      return nil
    } catch {
      return error.field
    }
  }

  @Test func `what this build cannot carry out is refused by the field's name`() {
    func header(_ name: String, _ value: String) -> WireHeader {
      var header = WireHeader()
      header.name = bytes(Array(name.utf8))
      header.value = bytes(Array(value.utf8))
      return header
    }
    #expect(Self.problem { _ in } == nil)
    #expect(Self.problem { $0.method = "" } == "method")
    #expect(Self.problem { $0.method = "GE T" } == "method")
    #expect(Self.problem { $0.headers = [header("", "x")] } == "headers")
    #expect(Self.problem { $0.headers = [header("A", "x\r\nB: y")] } == "headers")
    #expect(Self.problem { $0.tlsMinimumVersion = 0 } == "tls_minimum_version")
    #expect(Self.problem { $0.tlsMinimumVersion = 256 + 13 } == "tls_minimum_version")
    #expect(Self.problem { $0.addressFamily = 5 } == "address_family")
    #expect(Self.problem { $0.addressFamily = .max } == "address_family")
    #expect(Self.problem { $0.connectionsPerOrigin = 0 } == "connections_per_origin")
    #expect(Self.problem { $0.bodyDisposition = 3 } == "body_disposition")
    #expect(Self.problem { $0.resolve = [WireResolve()] } == "resolve")
    #expect(
      Self.problem {
        var rule = WireResolve()
        rule.addresses = ["::1"]
        rule.port = 65_536
        $0.resolve = [rule]
      } == "resolve"
    )
    #expect(
      Self.problem {
        var rule = WireConnectTo()
        rule.targetPort = 65_536
        $0.connectTo = [rule]
      } == "connect_to"
    )
  }
}
