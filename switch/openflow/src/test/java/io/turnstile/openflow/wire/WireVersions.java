package io.turnstile.openflow.wire;

import io.netty.buffer.ByteBuf;

/** The version that the first octet of a fuzz target's input stands for. */
final class WireVersions {
    private WireVersions() {}

    /** Reads that octet; the newest version if there is none. */
    static WireVersion chosenBy(ByteBuf input) {
        WireVersion[] all = WireVersion.values();
        return input.isReadable() ? all[input.readUnsignedByte() % all.length] : WireVersion.OF15;
    }
}
