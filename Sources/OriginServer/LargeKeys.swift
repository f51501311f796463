// RSA keys too large to be made while a test waits: 8192 bits take from seconds to a minute. No secrets: they prove
// nothing but the identities that the origin makes up for itself.

import COpenSSL

/// Keys made once, by their bits.
enum LargeKeys {
  /// A key of so many bits; nil if none is kept.
  static func key(bits: Int) -> OpaquePointer? {
    let text =
      switch bits {
      case 4096: rsa4096
      case 8192: rsa8192
      default: ""
      }
    guard !text.isEmpty else { return nil }
    let encoded = text.utf8.filter { $0 != UInt8(ascii: "\n") }
    var bytes = [UInt8](repeating: 0, count: encoded.count)
    // Padding comes out as bytes of zero at the end, which the key's own length leaves out.
    let count = EVP_DecodeBlock(&bytes, encoded, Int32(encoded.count))
    guard count > 0 else { return nil }
    return bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_AutoPrivateKey(nil, &start, Int(count))
    }
  }

  private static let rsa4096 = """
    MIIJKAIBAAKCAgEA4eatOu0uve1wDy6rs8znuXOxa1sZ8vP7LxFO86HsWG5KTgQ84fYdRnN17F4T1u+XMj90qhpGL0zIO+7BrPyZ/zmtRjMzpSy/
    2kZQ1geop+/BhMsXm6EzoslDz2+M+/HzSVzUQW+qGbKCbKpQ52/qijMr71QPx+HKhuGsuuu0nFkojw80pPLBit8AxeAuA8OsXF844o0Tv3GJwhEP
    dvXgzxPvNq7WcNCBM6UqiqLiEqr0/VZh4PE/8aBvatF9l63dd6QKjQEcNAIISPDFprJ6laFnuEk7zi3PIs1Fqgw//d3kv0G4SDrsCXr8iBe9s2TT
    +Ap6MPjTgROBmGshCbI/Xg665DkWXZjGz5WbTjjtIpVl01LTV8qyVlR/ZTN+ljhwOiCFhERWvoWVBOVdamcMb79nt2dS8WrhjuU1tePRzWnm78nz
    LohNuTrSun4CnO2dBX1WhKgnvZ0vx+mXiQe1NcOtoG2RC7d+QiztKBaqprAL0EZtl/iBDUWaX8+fIOa0Uo/i02Q/HonIAw6kygSJl5HQa7t8TbIt
    0SJME3Cpl2aSxaOYU00YqImQZwjZWWTT00jyaxr4bsZnZS8p7VV6CIASXB+F4nuUXPMY5OklQQylAjd72FuYZJshAk0fM1u9eTwX2CtyKbqINAeO
    KEGaZEyjuzjGcnmwWZLS1jlgXZ8CAwEAAQKCAgA/2kC36cfvBnjIydPdyDrtqB6Lrl4I1t72oGlVIz1Xh6E4KSl+Y19GBSfdboAkHmf524bh9/hD
    sWvdyPB0sZfj1Q09zQY5l4sJKxv5S4PoKDRmkTN0mZ2rU0F4Flte8bZnU7ZpYqNNjTAhgAjLSk6czrcJ+JRXVuK0uoBk+2/7S5ZTzaP/ReDgHIWu
    6N2I0dvb5kyBeQgOcozSTpk08m4fik5xAf16OO10SCjctAq75RfHrg2PlBGTflpP8rQR1iLGCRe0YI50wuhNmcT8h/FvbwaOyCB/+GHWv/gDh1/l
    Jb3dM7nfrMwAKAPOggtsdEEYGPoN8p9yGi3lA878WyZeqzNhjzAb9CRiU+Mytx7YHc/OPLw/YMQO1rrtjQCXoO585nK93z9HOleOKtiYFA/Ggjrj
    b7RsXpeJ7eWNr42INYqu52R9D5F+AXNp61WTI9M7NjmgUYvuwNpOo5oNPk9vGCg3QqO2t6VarG8rglJp2BpBKMlao+tSRtfgmKtLbchPsMzVn1BC
    2Q1C5vkplglVmzqKOpzvQPcLfBzCiXJrGRmHeBG3d4lT+053ngEuVFL3VqQawbEzT1pKOu9DsX+OTaUZvMs5w9apTLlVFrKCPbu7ukwF0WJ2Z0LE
    IJwlA20t9YMqLMzeS8C6bo4BWmIbLPvqMFG4TkUhbZlBK0ZcUQKCAQEA+k6ebE7tpg2POlHtwE//wpaeWEFFFRJ1GVW6RhxF0opa8R0v2xgAcpZO
    UqFaIh7uF72Zajp8lOT7D0qwAW86lM0Ysv3qBJo1xSLkyIJT563iwy1JcKyIvRFuIeHmQFcofGaOEBRISnTfLdsbiALsJErsnE168kijhFiXmLTt
    72JX2UxefkSxuYzZc4FLFJO59tzHw2vkS0DalDaF9qjHCJh8GNzbQz6CvjF6SA6S0y9jopCo558tx9cmmmzFAPUGsgf1fbnN8nW0ECZMed0tAHdx
    m1Wr72F+wcCoCAS8N0tam8uOn6p5oWVS11b8ILAfETIfTarqc2RlzmByG8UMsQKCAQEA5wn09iqOU7DO3ebQgjXtr2lnl594NPVoUCak7HTGb/Fw
    64RhA8Jd82SHSn8NJNV68EYWy1cZbSVfWZO3iHHKyyqKtwgAK03HrHm7rSzH8zlognFjsRb4JD26YwgUFIT4EG41te0DuSdX0bzYcaKevaQAu77D
    Pe1s86znsdyiRH/AAZ0XUTu2la0ctYo8gtCXpmDicCdTjD+CBQTGDsx6je/GzQPgOHDNEjXf+/aV/HvmtCkl9a+8jBaDkKX8wOcZ0gdlk4duTK5Y
    r7lEh2qA7ahrzRu3q22T6PZkkvkDdUJ/xJfibNSg6Kn0xgw8gZqkNm7V+loMmHW7m8fDtHljTwKCAQB2gJAKMNfb/KFpd+46VOV+B3bRy5zcHA/q
    PabhmHMJ+UySyEGm1Vco6LYN8qvMaZ5JCQ8/to7SoxGlLLPlCfbPCcZ+vy1ynluEiD+OGf2FOtKXmrIhMN3PvRfJ3Lv4jArz0k3BmQicj3Y1rHz9
    SHzptbsNSLVDTVZ0ysiCmG3pHkL+8mPuHbGSafds8rJL/KBXGjFM+KBtbDfPYXzMyRzpmd9umekIjeiyCJSe1p92cgIWrav5dGflK5vwEjy2dkqE
    MLZtnnC9MDJeTvN34lly1hmn88hhnWO4cPBcU3mUKA2uopFUUA4jdefhYSIei6M5reQaDifPF6IHMav0L7cRAoIBAEr+f2Y8cBCYbr22w23QxYNP
    ypF78Q/3rNF/ib87NIJ3s7ivMrJ+r/JmakfzL7gKF6rQhWuhrR4xqF6yRTvj+/iwqXA6B5wG1k6VASd4RrsbomHdHogINanF469rmuECPGdQ7txL
    wA6kx6vMCdHxAGf8SUSn6kY6wEfkkxy3ynBDq3aaoEv8/wpcs9n1siigPumBv166VTNMFg88+nEpTIqwDy7TGEAZ1WcY18i4xPy81ykZxjmWvrQW
    RsR4LLANE+OKBR27M0Fuwljf4W+3UXxTVBKy8Y6SthVDjWfrroSsfj65MoUzC7waFtsGc8l6Ad2tYoWuHzKJ3Mj3Mf5t/J8CggEBAOio+EfaF0fs
    csSusGd380csrI5UWnhxICduHMzleuBb16rb54xQV7hFkq5D2bHrJ3VxizLhJa3aaj78H+a4TBYiUuxtxyVFo1B+JhpCwvQzqkz2N4SpwQ+v+qNv
    gDs4U+ycJwnmc+05uqsHv/RyJdjBB77vjeWdcU7EQkXq/oG607IxIq+/hnuN1nRKSQh7lGWf6oaaKmJKbqqET8WXMjU9qdX8fqjifJul61OGdXO2
    DO/sEQ5GrLn94axK8T0j3PntU/7GD5aRxrtD7F8Jy0wS9n/75ezme5QwlduFCCDPLF+bi+MFKYXmK7gZ0UyjP84E6qUcyLuAwupAK5wNIZQ=
    """

  private static let rsa8192 = """
    MIISKAIBAAKCBAEApbyqrRtClo5p+Dv+6e4t9JcMrjIPvep2BmDolzaHIWvPG7R+cYJJiaBhZWnP0KIdtkKtK3avioRqGHfI2pEtUvn2H8ONmf/5
    nrprLTCCTDGDAaEGmLwKlR+Y8hEdTpYrfAri3jIxN/Nttyoj7L0h846MNLLahnYf+3K9Q56IuZrvuqAUOt2gvibre7qeASEz0T8QwY6TFXgntNkv
    olSxRqCWEC3mJAtlMbpmKSewtVzvwntolCLN3p2JPatFWqx0rPs3fBXFe22aV397Lb3RsCv/LWDC8o60iybaDl421Ip1PW/HAyIvP2hzPZXEsw9m
    wBZik+hh52AHq10AyAaejr5+sNUm/LuaLxTzS90AK9uk/YnPBwdU4aYR1cLwYOFzj6yC6cqXFKUArxbQ9mrtP4Ikpn1eXWdAvApVruYS+y+MesLn
    OsoryitI6/489KxsJAQjwbiJEb+2G15S/M3TXO+0hyauwtxo/YXHSR0SARLZGIt7J6dXhCEOPr07qz8txctaFqykZoLCyjsINTj66/RYLbN3kW6C
    IuoaMY33UituEfbs1cx3F90hFCsNRVM8auJbT5JKrCKD+GVKSSaGY1PrEQCURYKJgR6qfJvRPlBtj54/zB/N24Is+uf6aMwI8sgXVTf/YqXpcXgB
    aWjINXdi02s4VGEbBr/ah53xFRtHK8oHu3YqpSOFtSMfrQM4vkLacfisP3G74cSo9TofphyKjAODkoDlBcAI+iy/RLJ1zNKdZxuArY//5D8vHwD4
    kgK8k+jkKrxVybn4BHSvPlSO2axgX98Ct2bHiSk/L1LPSsAe6NZXLNVYT9oOMD8BPoTilVs/lu+AWUvwJybvXl4hMOD8lQbn+28W+lIZg5m8YV2c
    tNbG82/k9sV1KcLFkjPY/lgypuMYcZhwvkq3dOicpEZJEELSwskcg9OREQGVWPA6yMuaeMNZz4BdskTSjkdR8KZHOf81WMfKMTHnh2b+up14EqX3
    MzkGfpaPheXbra6DF7DLTSiOhy41Dr2LwXv3eBbYwAVfkH6Yma2bB2kbwC+VoBtmtE+K2TEDlYUBbziqiU63+Uy/ZtVJ2TtCNSs/zro5//mvQyhc
    QvmljD3GKfUKdlsOmYWv38Lx4JCNBwbavfjR2YJ2lIj8uNW9eJVeQfKq/izKwWcnnG5ReuUq43rCOJGIcYrynlFBeVSMFxDoJ6HTYR5g0NOMezo7
    u9ktJLKe7GL4jZnwMy31E2v4UdkuDaf0LzfrhzcrFytHGO0KG4+2Ym76ZduGaieAAzfwY+1j2F/syiwZXSq/D3Rls5JXoAUlEQVdkLjp03NrrY9W
    b0QfK/woJXQk6o9BqkVG7mu/Gy5ZrBIH5F2/4QIDAQABAoIEABEsfqcXZwwAz9xIIz8MTjjFGixGxbjRPc+lZRSeMtx0tm5RgrSyYnpfYxhGIaGl
    2txTBmy1jLUWyYOljeuQFZk+i5F5CwhFLRGUkZyKJUZN7xxRGkTjX1laf9e9jELjbrgYzK9nlhANKnZLaJOUeZsqTz76tYgvX1sH5bLHD7Xj5yl4
    gwAijRCHKemVSeAmF598IHleE8GqxLqJstToX8JIy6P7jZh4kdDYVtO26Cmy6qlFbm3DOX/y5RC92Z7utdxi37n864zBq7ebXyE7RSozNOr31tuZ
    i/3LVdcdTiMyAboPBhk+BpVUdnSQO2SumOAYsbhP4S0/lyvbpEQV44I5HRmnzLVtnyl3y0o2KVliFjOrfwdkbBhBxCFZZN01H2to3dvqAUPDYVHD
    VH3kUJc/HhsebJPTKjMSAxTvhFIA+FaUMa+22VjGqXTC0IAuCbqlryrYu2NacT1excyqa1d7A0Lp8DwC6OI0ZZUe7QmtcU+IzIcsYPYxEq/Pngo9
    rrmLO9eTpil1LUgVW+Ff+ShQFn8N1Lr+L3/8sCAobNNX6rzz0FDLMiAH6vCTEXn4iQ8uS3XwW8qAfRpVLKBt3IkYXghR/gtB3ovBqLrmzoTdgqza
    IhQ9y3AOiiiptxn64oZ902UiO1V2ib0XSVYp5G0d5OCxgJHFyi4l3TgmVp/wG/xPFx2OhtxjDh1lTncvuH/7mfxVF+JVXNItdLBB7NRRz+WfuqeL
    Vz7SxBRjUfhxCN5KOdkJPjCogs+uotHIjqKlldTqVVsf5S9tJuxlTbdnCwp+KlL3WRz16Y2yUYvxRQkCvI75wYmBM44MOEfBSHM4qaxs79cGCizw
    l2oJG733scYlIu+3HRTBuQGvN8PE2aeYK7hXNZr/dBUNPWBriVqB4LIlxqVcbblayQ8aAWONDkL6VMV16Q0jFBqXBz9W15GlVvctGOVNxwaToqm+
    yoSREgypyIz0IxwJCaPe9ehJe8u79gs3nB8P5Z3IvVZQX2Qou9MR/dAqOl9AUlfq55u+kRvSoNEOcW6LaA6R0bb44ctroLefkZoYllpXguX941HF
    USlMnYv7sGJC0nRuXNN+GRe55FkQn9PHB5W0BzsK4jcklzCWPkEGh5irKDa6APvBM9LFcj8llnESsQq+piVG8Qp6G/acfrclVEi7eRSEIYiTOJ/x
    iYd7eRgOsp1wq6M3oXJxDmeRFe8k5Y8CVu4wfUxJxO43ffW+PFYpCI3rfgJWPd9RaM6rWKmse49O5MMOxu0lkZA4EDAZW5Q8gBOBzem7VyDycU+e
    vTMQNw2ARN8SrRdtUOvy3Ss2Bqzb8fcBxW5OYJfRg/Y3FMMb97h8MnlEcT1SXkfXBUtPMQ0CggIBAM9ZqP7tkxfJY37gOJZ/rwHvbTSHTZTkXRMU
    /J8GkKQ4rLc+AEFOPd+P3vUeJiOmC7PhvMzlVe0yj525kmmX4sTJ66drQbwv6jQi28i0JD35muqT5UA3Pp3bIGiOYQqEDxdat9MPuKBR9rNqs9KD
    ILJnxatwc6bT/J+wjg3DIgtXXxkZnb1BY1anEVS20jaYAK408hGZ+o4Ecegh9Zqcu7mKWbxJeMdQuXs3tfTZzT1OSgrogmzDDoE44lftVq3d0vu3
    jdszjuXXM1tTFxirAdh2IVoAEFW+qdX030iDeE010Bl/QwroWAsnkxegLpSiBzNBacSFpYUDqOX5XsINWKYHnhZYZ3BEqJkc1piJ8CfypKTli1aU
    qdXl92tnOldmvKKD1hJ/GoW63TKZO8FR7TVIuLUttLIwLLxHQnh8kPsVe/zbnzcRVZpqRsjyM1ut0UD2hppq/RsKawYX4GxMPivhHPneqDnfq+mA
    yBB9P9+YEtHwvcS1HYeIJlrMhz7lZO7Rc5u/NfK4iKaMN/OGf9uAeMK0X1kRd5lxZvDKgrgK7MtQyDylYlAyyU6bgrXcjwMvFrm0CvUyevA5lkp1
    fSFVSfS6GzsESMLB+JuXxX0sb5SPEPEGUcTGtV12Xq1u8s3WOKuviGLFFrcuvZbVtfU91Cal2bC1ITHBWiNX8rSjAoICAQDMn4lwXv79yf99S9WL
    O1hfYYwaQIBVsMGuvFXIzYDXb7/2AddefcmbfPc/PixxLpQCq1+yAA2bP/EPkL3KrS19z4u8lvxXT1PytP3WSmMiy2NC4ZJRsAI27xWvU5nUTkXn
    4KkgsinLsQkzpOJxDlr0YoXh3s2TaPh8pmAoB/GF24PiqfHk71z4DwLhYtE4MPmLKOu9Ja6Sy5es0b8P+vSCNX6J4D5/sBElSFdUM7BjIn5iFU+J
    huSIT4EDx8pcYbwBPa3lH7IXWCQhdJVAwRcpxHoCbfjaHpxahVcCMONEK/2ned0q9nJJbudPzLZ/iy4FZrjtUnTK79DprRxA0mBt5pGWF5cbcPLA
    wo/jo43wzu4g0XceKdqxpxg1pr6SCi/f+BCkrswVRSMMj1q0BXId5IivbYc0inBx5PvQ0tNjcK73QfC1whQpYjhbZ3HF2gAb7z7JnhC/kepoNNc6
    iLnDlKPE86BzIKwubn84XkHw9n3UOnJ0tH2i22hD/8mISKT4sPca8l+OdKheZFE7i+WKi7FofKZPnoNSPyMMgzGQO2xxbjojTAbB4HSE1OSM6Reu
    tfIikVfxosrSVm7J0xy7CWMN0CYw9c7GvGQDmkrT0oh6duPvNdN7FTSgw7ew4WgexDxze3itRzBkHoT7/6K4Qew+84eFCjLeLHz3pf79qwKCAgA7
    nEIqb/B+wSX6fsml8rVEcCnMFS3npTNg3gK2UTPaEnUNBSUboTvGft0RSQab7wukPjyCB1iJpaSGKqh99O17t7Uo33v5dyj0riTTcX6N1qmD0Nry
    eC9nQGzzwiMB2+9evnTkl7tzU70B3aYu2gXXZF/+poiJKJ6S5jYgnL231vl/BM9Fbnv5mHQyD5ElotNnQc9p4gOXOo3ot4KdXXvWnoCn0dOIMZvx
    YZXM+6S2gEBnHGsKi5Uq70ibEJ9/wqr6NM3ye8MULqcUFTIppFgWe/egoS4RCIxY91oNxcYbJGJcQirrAtr08f6mpyVdE6vQP3kBx45LTD8NRoDI
    dv/KU5xOPkIWk5aI1jKXjeheA7LzuQ4y6PBejwtvdDDgmaeXbSFpFeNxGMSo3EbCkCQK0opPhAFTzOe/hRkF/IHNvWJ00krWkQQ0LWOGN6MuMy1a
    aMVPtXxofrk/+jNJzy18fe5Po4RnhvcsXRqnKurnBBg9BOH5oDwKD8k/B1fGbDp1Mf/zgagnzId0ohEf0MYHO8r75tEWkR/6HBEFHqMv9+wVk3bN
    gJpgBgm7sJeGYw82Uh5NawZPcaDIWTXs2BQONi/ZzHsxn0yvuQYY7SwYjWLSqcKsGC3/zUSsxu/3GlNxe6m1KfSiuJiMN0LID06NX6YTKlEILTqK
    zFR2nr0m0wKCAgAgiXm8QY7AYj9a+BUDp7Mcr5Esl3cQqSOTGmV1oZ/MIfvfLVnGr6/AJrXV+5frg2GLrx5vWmzPc/Jr7DMRqEnkiH0KxuNnKrkJ
    jdgTHA75eGfXObEfhiJEA+5py5xZUvzwqxuZlFrrBcKV0LElEwhJdeUeDmSX/QgOIhKGKwUvqMEm6KkLIzigRRrLJgBos/jqNN6PXA+PTgpXM57y
    9o+sqL7vQ5YMjb2cNQ2V2QZCLTj1dbgJAUcTmbjFFh7KY8wWUm11Un3qElzkaPpWqp15ScGw4zW/0UBBcJRuR8HLlEcoO0t8ymVP4e+sE7wtOb9e
    on/jVMo3fry0e49Ti2BD+XbK7ANeHK6tEgL5SoeGdBEPbN9JD5SzzQMffN0usan9Lh/PX/AZrb2uAJmGqJsFv9IwOvVV2HGa2rNj+DIezMs1i+mv
    rSWxkumtNxyzPj/oMTnFq3m0TIp+eXCD4TvQqrED301zIQ3f8DgQiYRowXkupwCOKCkWHVdOAL1WC18YIGOaiFHDgC9JmyADnPIp/p5+I9v6KxVs
    nZeAJNhbu+c5fjKGbE9iwsMkYAnbkjDu2gWfk4btaFph6daCByy5XPvANYntHRj9JvWsUPt3BTIobwE9h0ySdMPCkHyEBsOcqM2H+2kr/HboZKX2
    wCZqsCjVtbml4QJHq8FPS7jpMwKCAgEAm6CHavhnUrAoonqKeFW/dGejyqAuj7TpnpQIVUJG/H5/15Dn2np1T9p1+4veqWkD7kui5wups011wvis
    l4HT0h+0xbCzKjLS7qJiti6QgnN4/o4AoqDbs2kIu/qMLLVIyIN+C7KzJfHE97xG4hcExNSZFWYD8AyQTEiocTGAYyXlc7y5t/+cV18pZJZX5tbS
    h/Nm0C5xusAZdKQqiI9ugikraUXrZwCzVKcky88qzF2/sYXozDvvwSVDhRe5RfCTWbJW+HTeYpbAnCjWFXQJdYaqJ28agOUYs5Il5v+wl/c5qoMo
    zzBRh+J4R3oQOnmU3YVB8pg14QsauU4cVoDDYR0AUiZZUkSbhr85Q1X/6+VmV99HgUOMP8V6IUKY4LLbqJgCtME5hO9gIKbDxOOwTqsWqflIZjVC
    wSDJR57fFqS+1rG5P1dQESUttqWkT24alpRjOo66Ibarr5V6tAlLY+tQ5BpXX2ivMF0NEXAPE8tJOFd9DDFS2JJzk7UU6f4WehqyDnbbBcZIFaOx
    SA4qgL7cqEYU/eAsEcB6GqHQ5e7iXo7Mr8djipttQbihJT+bIquGDpA79GTAvcdTaI72wURjO73vUFZ+XOYAQ7u3P21/01YF7Muzm8tanzit/AjM
    LL+trEJ6Vjuh0wOd/BvDFrwHPlcPzL8VfROvaf9MGNM=
    """
}
