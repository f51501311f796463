/// Why a text is no URL that can be fetched: the closed list.
///
/// If several apply the order is: too long, surrounding space, control character, then the first from the left.
package enum URLProblem: Error, Equatable, Sendable, CaseIterable, CustomStringConvertible {
  case tooLong
  case surroundingSpace
  case controlCharacter
  case notAbsolute
  case unsupportedScheme
  case invalidUserinfo
  case emptyHost
  case hostNotUTF8
  case invalidInternationalHost
  case invalidHost
  case emptyLabel
  case labelTooLong
  case hostTooLong
  case invalidALabel
  case invalidIPv4
  case invalidIPv6
  case invalidPort

  /// What is wrong, for a person. Fixed texts, so that no password of a URL can appear in one.
  package var description: String {
    switch self {
    case .tooLong: "the URL is longer than 64 KiB"
    case .surroundingSpace: "the URL begins or ends with a space"
    case .controlCharacter: "the URL holds a control character"
    case .notAbsolute: "the URL does not begin with http:// or https://"
    case .unsupportedScheme: "the URL's scheme is neither http nor https"
    case .invalidUserinfo: "the URL's user name or password holds a space or a backslash"
    case .emptyHost: "the URL has no host"
    case .hostNotUTF8: "the URL's host is not UTF-8"
    case .invalidInternationalHost:
      "the URL's host holds a character beyond ASCII that no host name may hold, or not at its place"
    case .invalidHost: "the URL's host holds a character that no host name may hold"
    case .emptyLabel: "the URL's host has an empty label"
    case .labelTooLong: "a label of the URL's host is longer than 63 bytes"
    case .hostTooLong: "the URL's host is longer than 253 bytes"
    case .invalidALabel: "the URL's host has a label that begins with xn-- but is no A-label"
    case .invalidIPv4: "the URL's host ends in a number but is no IPv4 address"
    case .invalidIPv6: "the URL's host is no IPv6 address"
    case .invalidPort: "the URL's port is not a number from 1 to 65535"
    }
  }
}
