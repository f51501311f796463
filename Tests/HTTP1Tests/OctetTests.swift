import FetchModel
import HTTP1
import Testing

@Suite struct OctetTests {
  /// Names long enough for the search by words, with the octet at every place in them.
  @Test func `field names hold exactly the token characters of RFC 9110`() throws {
    for octet in UInt8.min...UInt8.max where ![0x00, 0x0A, 0x0D, 0x3A].contains(octet) {
      for place in 1..<18 {
        var name = octets("Abc-Defghij-Klmnopq")
        name[place] = octet
        let stream = octets("HTTP/1.1 200 OK\r\n") + name + octets(": v\r\n\r\n")
        var reader = ResponseReader()
        let result = reader.transcript(of: [stream[...]])
        #expect((result.error == nil) == isTokenCharacter(octet), "\(octet) at \(place)")
        if result.error == nil { #expect(result.fields == [[text(name), "v"]]) }
      }
    }
  }

  @Test func `values hold every octet but NUL, CR and LF, at every place`() {
    for octet in UInt8.min...UInt8.max {
      for place in 1..<18 {
        var value = octets("abcdefghijklmnopqrs")
        value[place] = octet
        let stream = octets("HTTP/1.1 200 OK\r\nName: ") + value + octets("\r\n\r\n")
        var reader = ResponseReader()
        let result = reader.transcript(of: [stream[...]])
        #expect((result.error != nil) == [0x00, 0x0A, 0x0D].contains(octet), "\(octet) at \(place)")
        if result.error == nil { #expect(result.value("name") == text(value)) }
      }
    }
  }
}
