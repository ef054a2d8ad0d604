package io.turnstile.offload.provider.ebpf;

/** Constants as a program finds them when it loads what stands in a frame in the wire's byte order. */
final class Wire {
    private static final int U16_MASK = 0xffff;

    private Wire() {}

    /** A 16-bit number of the wire as the machine reads it. */
    static int u16(int value) {
        return java.nio.ByteOrder.nativeOrder() == java.nio.ByteOrder.BIG_ENDIAN
                ? value
                : Short.reverseBytes((short) value) & U16_MASK;
    }
}
