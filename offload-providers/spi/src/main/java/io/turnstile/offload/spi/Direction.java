package io.turnstile.offload.spi;

/** One of a connection's two directions, named as conntrack names them. */
public enum Direction {
    /** That of the packet that began it. */
    ORIGINAL("original"),
    /** That of the answers. */
    REPLY("reply");

    private final String text;

    Direction(String text) {
        this.text = text;
    }

    /** The other one. */
    public Direction opposite() {
        return this == ORIGINAL ? REPLY : ORIGINAL;
    }

    @Override
    public String toString() {
        return text;
    }
}
