import Foundation
import Glibc

/// What each of the servers is told, so that all serve the same pages on the same listeners. Everything they write
/// goes into their folder.
struct ServerConfiguration {
  let folder: String
  /// By `ForeignServer.Listener`.
  let ports: [Int]
  /// The port that HAProxy hands requests on to.
  let backend: Int?
  /// What nginx serves beside the pages.
  let more: String

  private var plain: Int { ports[0] }
  private var tls13: Int { ports[1] }
  private var tls12: Int { ports[2] }
  private var brief: Int { ports[3] }

  func text(for software: ServerSoftware) -> String {
    switch software {
    case .nginx: nginx
    case .apache: apache
    case .haproxy: haproxy
    case .caddy: caddy
    case .lighttpd: lighttpd(tls: "mod_openssl")
    case .lighttpdGnuTLS: lighttpd(tls: "mod_gnutls")
    case .python: python
    }
  }

  /// CGI programs. What they write has no length that the server could know, so it comes in chunks or until the close.
  static func scripts(folder: String) -> [String: String] {
    let head = "#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n"
    return [
      "chunked": head + "\\r\\n'\nexec cat '\(folder)/www/100k'\n",
      "echo": head + "\\r\\n'\nexec cat\n",
      "no-content": head + "Status: 204\\r\\n\\r\\n'\n",
    ]
  }

  // MARK: nginx

  private var nginx: String {
    """
    daemon off;
    master_process off;
    error_log \(folder)/error.log warn;
    pid \(folder)/pid;
    events { worker_connections 1024; }
    http {
      access_log off;
      keepalive_requests 100000000;
      keepalive_timeout 300s;
      client_body_temp_path \(folder)/temporary/client;
      proxy_temp_path \(folder)/temporary/proxy;
      fastcgi_temp_path \(folder)/temporary/fastcgi;
      uwsgi_temp_path \(folder)/temporary/uwsgi;
      scgi_temp_path \(folder)/temporary/scgi;
      default_type application/octet-stream;
      client_max_body_size 8m;
      ssl_certificate \(folder)/leaf.pem;
      ssl_certificate_key \(folder)/leaf.key;
      server { listen 127.0.0.1:\(plain); absolute_redirect off; \(nginxPages) }
      server { listen 127.0.0.1:\(tls13) ssl http2; ssl_protocols TLSv1.3; \(nginxPages) }
      server { listen 127.0.0.1:\(tls12) ssl http2; ssl_protocols TLSv1.2; \(nginxPages) }
      server {
        listen 127.0.0.1:\(brief) ssl;
        ssl_protocols TLSv1.3;
        keepalive_requests \(ServerSoftware.nginx.requestsOfBriefConnections);
        \(nginxPages)
      }
    }
    """
  }

  /// A filter makes nginx forget lengths. What it looks for is nowhere.
  private var nginxPages: String {
    let filtered = "alias \(folder)/www/100k; sub_filter_types *; sub_filter ' ' '-';"
    return """
      server_name localhost;
      root \(folder)/www;
      location = /no-content { return 204; }
      location = /chunked { \(filtered) }
      location = /until-close { \(filtered) chunked_transfer_encoding off; }
      location /put/ { root \(folder); dav_methods PUT; }
      \(more)
      """
  }

  // MARK: Apache

  private var apache: String {
    let modules = ["mpm_event", "authz_core", "alias", "dir", "setenvif", "cgid", "socache_shmcb", "ssl", "http2"]
    let loading = modules.map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
    // Root's Apache serves as somebody else, or not at all.
    let user = geteuid() == 0 ? "User #65534\nGroup #65534\n" : ""
    let secure = "SSLEngine on\nSSLCertificateFile \(folder)/leaf.pem\nSSLCertificateKeyFile \(folder)/leaf.key"
    return """
      \(loading.joined(separator: "\n"))
      \(user)
      ServerRoot \(folder)
      ServerName localhost
      DefaultRuntimeDir \(folder)
      PidFile \(folder)/pid
      # Others of its mutexes would outlive a kill.
      Mutex flock:\(folder) default
      ScriptSock \(folder)/cgi.socket
      ErrorLog \(folder)/error.log
      ServerLimit 1
      StartServers 1
      ThreadsPerChild 24
      MaxRequestWorkers 24
      KeepAlive On
      MaxKeepAliveRequests 0
      KeepAliveTimeout 60
      Protocols h2 http/1.1
      SSLSessionCache shmcb:\(folder)/sessions(512000)
      DocumentRoot \(folder)/www
      DirectoryIndex index.html
      Redirect 204 /no-content
      ScriptAlias /echo \(folder)/cgi/echo
      ScriptAlias /chunked \(folder)/cgi/chunked
      ScriptAlias /until-close \(folder)/cgi/chunked
      SetEnvIf Request_URI ^/until-close$ downgrade-1.0 force-response-1.0 nokeepalive
      \(ports.map { "Listen 127.0.0.1:\($0)" }.joined(separator: "\n"))
      <VirtualHost 127.0.0.1:\(tls13)>
      \(secure)
      SSLProtocol TLSv1.3
      </VirtualHost>
      <VirtualHost 127.0.0.1:\(tls12)>
      \(secure)
      SSLProtocol TLSv1.2
      </VirtualHost>
      <VirtualHost 127.0.0.1:\(brief)>
      \(secure)
      SSLProtocol TLSv1.3
      MaxKeepAliveRequests \(ServerSoftware.apache.requestsOfBriefConnections)
      </VirtualHost>

      """
  }

  // MARK: HAProxy

  private var haproxy: String {
    let secure = "ssl crt \(folder)/leaf.both alpn h2,http/1.1"
    return """
      global
        maxconn 200
      defaults
        mode http
        timeout connect 10s
        timeout client 60s
        timeout server 60s
      frontend lasting
        bind 127.0.0.1:\(plain)
        bind 127.0.0.1:\(tls13) \(secure) ssl-min-ver TLSv1.3
        bind 127.0.0.1:\(tls12) \(secure) ssl-max-ver TLSv1.2
        default_backend pages
      frontend brief
        bind 127.0.0.1:\(brief) \(secure) ssl-min-ver TLSv1.3
        option httpclose
        default_backend pages
      backend pages
        server nginx 127.0.0.1:\(backend ?? 0)

      """
  }

  // MARK: Caddy

  private var caddy: String {
    func secure(_ port: Int, _ version: String, _ more: String = "") -> String {
      """
      https://localhost:\(port) {
        bind 127.0.0.1
        tls \(folder)/leaf.pem \(folder)/leaf.key {
          protocols \(version) \(version)
        }
        \(more)
        import pages
      }
      """
    }
    return """
      {
        admin off
        auto_https off
        storage file_system \(folder)/temporary
        servers {
          protocols h1 h2
        }
      }
      (pages) {
        root * \(folder)/www
        respond /no-content 204
        respond /echo "{http.request.body}"
        file_server
      }
      http://localhost:\(plain) {
        bind 127.0.0.1
        import pages
      }
      \(secure(tls13, "tls1.3"))
      \(secure(tls12, "tls1.2"))
      \(secure(brief, "tls1.3", "header Connection close"))

      """
  }

  // MARK: lighttpd

  private func lighttpd(tls: String) -> String {
    func secure(_ port: Int, _ protocols: String, _ more: String = "") -> String {
      """
      $SERVER["socket"] == "127.0.0.1:\(port)" {
        ssl.engine = "enable"
        ssl.pemfile = "\(folder)/leaf.pem"
        ssl.privkey = "\(folder)/leaf.key"
        ssl.openssl.ssl-conf-cmd = (\(protocols))
        \(more)
      }
      """
    }
    let newest = "\"MinProtocol\" => \"TLSv1.3\""
    let limit = "server.max-keep-alive-requests = \(ServerSoftware.lighttpd.requestsOfBriefConnections)"
    return """
      server.modules = ("mod_alias", "mod_cgi", "\(tls)")
      server.bind = "127.0.0.1"
      server.port = \(plain)
      server.document-root = "\(folder)/www"
      server.errorlog = "\(folder)/error.log"
      server.pid-file = "\(folder)/pid"
      server.upload-dirs = ("\(folder)/temporary")
      server.stream-response-body = 1
      server.max-keep-alive-requests = 1000000
      server.max-keep-alive-idle = 60
      index-file.names = ("index.html")
      mimetype.assign = ("" => "application/octet-stream")
      $HTTP["url"] =~ "^/(echo|chunked|no-content)$" {
        alias.url = ("/" => "\(folder)/cgi/")
        cgi.assign = ("" => "")
      }
      \(secure(tls13, newest))
      \(secure(tls12, "\"MinProtocol\" => \"TLSv1.2\", \"MaxProtocol\" => \"TLSv1.2\""))
      \(secure(brief, newest, limit))

      """
  }

  // MARK: Python

  private var python: String {
    """
    import functools, http.server, socketserver, ssl, threading

    class Pages(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        extensions_map = {"": "application/octet-stream"}

        def log_message(self, *_):
            pass

        def do_GET(self):
            match self.path:
                case "/no-content":
                    self.send_response(204)
                    self.end_headers()
                case "/chunked":
                    self.begin("Transfer-Encoding", "chunked")
                    text = self.medium()
                    for at in range(0, len(text), 30000):
                        part = text[at : at + 30000]
                        self.wfile.write(b"%X;note=\\"a;b\\"\\r\\n%b\\r\\n" % (len(part), part))
                    self.wfile.write(b"0\\r\\nNote: trailing\\r\\n\\r\\n")
                case "/until-close" | "/cut-off":
                    self.begin("Connection", "close")
                    self.wfile.write(self.medium())
                    # Left to itself, Python closes without the alert that TLS has for this.
                    if self.path == "/until-close" and isinstance(self.request, ssl.SSLSocket):
                        try:
                            self.request.unwrap()
                        except OSError:
                            pass
                case _:
                    super().do_GET()

        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"]))
            self.begin("Content-Length", str(len(text)))
            self.wfile.write(text)

        def begin(self, *field):
            self.send_response(200)
            self.send_header(*field)
            self.end_headers()

        def medium(self):
            with open("\(folder)/www/100k", "rb") as file:
                return file.read()

    class Brief(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64

    def serve(port, handler, version=None):
        server = Server(("127.0.0.1", port), functools.partial(handler, directory="\(folder)/www"))
        if version:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = context.maximum_version = version
            context.load_cert_chain("\(folder)/leaf.pem", "\(folder)/leaf.key")
            context.set_alpn_protocols(["http/1.1"])
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever).start()

    serve(\(plain), Pages)
    serve(\(tls13), Pages, ssl.TLSVersion.TLSv1_3)
    serve(\(tls12), Pages, ssl.TLSVersion.TLSv1_2)
    serve(\(brief), Brief, ssl.TLSVersion.TLSv1_3)

    """
  }
}
