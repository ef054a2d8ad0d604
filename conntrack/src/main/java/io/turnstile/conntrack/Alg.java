package io.turnstile.conntrack;

/** The helper of a connection ({@code ct(commit,alg=…)}): reads its payload for connections that it announces. */
public enum Alg {
    NONE,
    /** RFC 959, RFC 2428. */
    FTP,
    /** RFC 1350. */
    TFTP
}
