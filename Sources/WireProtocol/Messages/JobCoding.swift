package import FetchModel

/// A job description that this build cannot carry out; says which field.
package struct JobCodingError: Error, Equatable, Sendable, CustomStringConvertible {
  package let field: String
  package var description: String { "job description: \(field) is not usable" }
}

extension WireJob {
  package init(_ job: JobSpecification) {
    self.init()
    method = String(decoding: job.request.method.token, as: UTF8.self)
    headers = job.request.headers.map { field in
      var header = WireHeader()
      header.name = bytes(field.name)
      header.value = bytes(field.value)
      return header
    }
    if let content = job.request.body { body = bytes(content) }

    connectTimeoutNs = job.deadlines.connect.wholeNanoseconds
    totalTimeoutNs = job.deadlines.total.wholeNanoseconds
    firstByteTimeoutNs = job.deadlines.firstByte?.wholeNanoseconds ?? 0
    idleTimeoutNs = job.deadlines.idle?.wholeNanoseconds ?? 0
    lowSpeedBytesPerSecond = job.deadlines.lowSpeedBytesPerSecond
    lowSpeedTimeNs = job.deadlines.lowSpeedTime.wholeNanoseconds

    followRedirects = job.redirects.follow
    maximumHops = UInt32(clamping: job.redirects.maximumHops)
    redirectsToPrivate = job.redirects.mayLeadToPrivate

    retries = UInt32(clamping: job.retry.count)
    if let delay = job.retry.delay { retryDelayNs = delay.wholeNanoseconds }
    if let time = job.retry.maximumTime { retryMaximumTimeNs = time.wholeNanoseconds }
    retryUnsafe = job.retry.includesUnsafe
    giveUpAfterNs = job.retry.giveUpAfter.wholeNanoseconds

    tlsInsecure = !job.tls.verifies
    if let pem = job.tls.authoritiesPEM { tlsAuthoritiesPem = bytes(pem) }
    if let pem = job.tls.certificatePEM { tlsCertificatePem = bytes(pem) }
    if let pem = job.tls.privateKeyPEM { tlsPrivateKeyPem = bytes(pem) }
    tlsMinimumVersion = UInt32(job.tls.minimumVersion.rawValue)
    tlsMaximumVersion = UInt32(job.tls.maximumVersion?.rawValue ?? 0)
    if let list = job.tls.cipherList { tlsCiphers = list }
    if let suites = job.tls.cipherSuites { tls13Ciphers = suites }
    tlsPinnedKeys = job.tls.pinnedKeys.map(bytes)

    addressFamily = UInt32(job.addressing.family.rawValue)
    resolve = job.addressing.resolveRules.map(WireResolve.init)
    connectTo = job.addressing.connectToRules.map(WireConnectTo.init)

    if let proxy = job.proxies.http { httpProxy = WireProxy(proxy) }
    if let proxy = job.proxies.https { httpsProxy = WireProxy(proxy) }
    proxyBypass = job.proxies.bypass

    connectionsPerOrigin = UInt32(clamping: job.connectionsPerOrigin)
    bodyDisposition = UInt32(job.body.disposition.rawValue)
    inlineMaximumBytes = UInt64(job.body.inlineMaximumBytes)
    maximumBodyBytes = job.body.maximumBytes
    includeHeaders = job.body.includesHeaders
    decodeContent = job.body.decodes
    maximumDecodedBytes = job.body.maximumDecodedBytes
  }
}

extension JobSpecification {
  /// Checks every field: the bytes came over a network.
  package init(_ wire: WireJob) throws(JobCodingError) {
    self.init()
    guard let method = RequestMethod(token: wire.method.utf8) else { throw JobCodingError(field: "method") }
    request.method = method
    for header in wire.headers {
      guard let field = HeaderField(name: header.name, value: header.value) else {
        throw JobCodingError(field: "headers")
      }
      request.headers.append(field)
    }
    request.body = wire.hasBody ? Array(wire.body) : nil

    deadlines.connect = nanoseconds(wire.connectTimeoutNs)
    deadlines.total = nanoseconds(wire.totalTimeoutNs)
    deadlines.firstByte = wire.firstByteTimeoutNs == 0 ? nil : nanoseconds(wire.firstByteTimeoutNs)
    deadlines.idle = wire.idleTimeoutNs == 0 ? nil : nanoseconds(wire.idleTimeoutNs)
    deadlines.lowSpeedBytesPerSecond = wire.lowSpeedBytesPerSecond
    deadlines.lowSpeedTime = nanoseconds(wire.lowSpeedTimeNs)

    redirects.follow = wire.followRedirects
    redirects.maximumHops = Int(wire.maximumHops)
    redirects.mayLeadToPrivate = wire.redirectsToPrivate
    retry.count = Int(wire.retries)
    retry.delay = wire.hasRetryDelayNs ? nanoseconds(wire.retryDelayNs) : nil
    retry.maximumTime = wire.hasRetryMaximumTimeNs ? nanoseconds(wire.retryMaximumTimeNs) : nil
    retry.includesUnsafe = wire.retryUnsafe
    retry.giveUpAfter = nanoseconds(wire.giveUpAfterNs)

    tls.verifies = !wire.tlsInsecure
    tls.authoritiesPEM = wire.hasTlsAuthoritiesPem ? Array(wire.tlsAuthoritiesPem) : nil
    tls.certificatePEM = wire.hasTlsCertificatePem ? Array(wire.tlsCertificatePem) : nil
    tls.privateKeyPEM = wire.hasTlsPrivateKeyPem ? Array(wire.tlsPrivateKeyPem) : nil
    guard let version = TLSPolicy.Version(rawValue: UInt8(clamping: wire.tlsMinimumVersion)) else {
      throw JobCodingError(field: "tls_minimum_version")
    }
    tls.minimumVersion = version
    if wire.tlsMaximumVersion != 0 {
      guard let version = TLSPolicy.Version(rawValue: UInt8(clamping: wire.tlsMaximumVersion)) else {
        throw JobCodingError(field: "tls_maximum_version")
      }
      tls.maximumVersion = version
    }
    tls.cipherList = wire.hasTlsCiphers ? wire.tlsCiphers : nil
    tls.cipherSuites = wire.hasTls13Ciphers ? wire.tls13Ciphers : nil
    tls.pinnedKeys = wire.tlsPinnedKeys.map { Array($0) }
    guard tls.pinnedKeys.allSatisfy({ $0.count == 32 }) else { throw JobCodingError(field: "tls_pinned_keys") }

    guard let family = AddressingPolicy.Family(rawValue: UInt8(clamping: wire.addressFamily)) else {
      throw JobCodingError(field: "address_family")
    }
    addressing.family = family
    for entry in wire.resolve { addressing.resolveRules.append(try ResolveRule(entry)) }
    for entry in wire.connectTo { addressing.connectToRules.append(try ConnectToRule(entry)) }

    proxies.http = wire.hasHTTPProxy ? try ProxyServer(wire.httpProxy) : nil
    proxies.https = wire.hasHTTPSProxy ? try ProxyServer(wire.httpsProxy) : nil
    proxies.bypass = wire.proxyBypass

    guard wire.connectionsPerOrigin > 0 else { throw JobCodingError(field: "connections_per_origin") }
    connectionsPerOrigin = Int(wire.connectionsPerOrigin)
    guard let disposition = BodyPolicy.Disposition(rawValue: UInt8(clamping: wire.bodyDisposition)) else {
      throw JobCodingError(field: "body_disposition")
    }
    body.disposition = disposition
    body.inlineMaximumBytes = Int(clamping: wire.inlineMaximumBytes)
    body.maximumBytes = wire.maximumBodyBytes
    body.includesHeaders = wire.includeHeaders
    body.decodes = wire.decodeContent
    body.maximumDecodedBytes = wire.maximumDecodedBytes
  }
}

private func nanoseconds(_ count: UInt64) -> Duration { .nanoseconds(Int64(clamping: count)) }
