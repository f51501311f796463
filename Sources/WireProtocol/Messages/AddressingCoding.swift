import FetchModel

extension WireResolve {
  init(_ rule: ResolveRule) {
    self.init()
    if let name = rule.host { host = bytes(name) }
    port = UInt32(rule.port ?? 0)
    addresses = rule.addresses
  }
}

extension ResolveRule {
  init(_ wire: WireResolve) throws(JobCodingError) {
    guard let port = UInt16(exactly: wire.port), !wire.addresses.isEmpty else { throw JobCodingError(field: "resolve") }
    self.init(host: wire.hasHost ? Array(wire.host) : nil, port: port == 0 ? nil : port, addresses: wire.addresses)
  }
}

extension WireConnectTo {
  init(_ rule: ConnectToRule) {
    self.init()
    if let name = rule.host { host = bytes(name) }
    port = UInt32(rule.port ?? 0)
    if let name = rule.targetHost { targetHost = bytes(name) }
    targetPort = UInt32(rule.targetPort ?? 0)
  }
}

extension ConnectToRule {
  init(_ wire: WireConnectTo) throws(JobCodingError) {
    guard let port = UInt16(exactly: wire.port), let targetPort = UInt16(exactly: wire.targetPort) else {
      throw JobCodingError(field: "connect_to")
    }
    self.init(
      host: wire.hasHost ? Array(wire.host) : nil,
      port: port == 0 ? nil : port,
      targetHost: wire.hasTargetHost ? Array(wire.targetHost) : nil,
      targetPort: targetPort == 0 ? nil : targetPort
    )
  }
}

extension WireProxy {
  init(_ proxy: ProxyServer) {
    self.init()
    kind = UInt32(proxy.kind.rawValue)
    host = bytes(proxy.host)
    port = UInt32(proxy.port)
    if let known = proxy.credentials {
      credentials.user = bytes(known.user)
      credentials.password = bytes(known.password)
    }
  }
}

extension ProxyServer {
  init(_ wire: WireProxy) throws(JobCodingError) {
    guard let kind = Kind(rawValue: UInt8(clamping: wire.kind)), !wire.host.isEmpty,
      let port = UInt16(exactly: wire.port), port > 0
    else { throw JobCodingError(field: "proxy") }
    self.init(kind, host: Array(wire.host), port: port)
    if wire.hasCredentials {
      credentials = Credentials(user: Array(wire.credentials.user), password: Array(wire.credentials.password))
    }
  }
}
