package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A controller that says many things one after the other on one connection: bundles that are opened, filled, committed
 * and forgotten, what is nested, pauses. Each step is answered, the next one is too, and bundles hold only what is
 * counted, and nothing in the end. Input: a version, then steps of a kind, an argument, a length and that many bytes.
 */
class OpenFlowSequenceFuzzTest {
    private static final int XID = 3;
    private static final int APPLY_ACTIONS = 4;
    private static final int MOST_STEPS = 200;
    /** Little, so that budgets end. */
    private static final long MEMORY_BYTES = 1 << 20;

    /** What a step does. */
    private enum Kind {
        /** Any message of that type. */
        MESSAGE,
        BUNDLE_CONTROL,
        BUNDLED_FLOW,
        BUNDLED_ANYTHING,
        FLOW,
        NESTED_FLOW,
        PAUSE
    }

    static Stream<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        for (int version = 0; version < WireVersion.values().length; version++) {
            ByteBuf filled = Unpooled.buffer().writeByte(version);
            step(filled, Kind.BUNDLE_CONTROL, 0);
            for (int i = 0; i < 3; i++) {
                step(filled, Kind.BUNDLED_FLOW, 1);
            }
            seeds.add(ByteBufUtil.getBytes(step(filled.copy(), Kind.BUNDLE_CONTROL, 4)));
            seeds.add(ByteBufUtil.getBytes(step(filled.copy(), Kind.BUNDLE_CONTROL, 6)));
            seeds.add(ByteBufUtil.getBytes(step(filled.copy(), Kind.PAUSE, 20)));
            seeds.add(ByteBufUtil.getBytes(step(filled.copy(), Kind.BUNDLED_FLOW, 0x9a)));
            seeds.add(ByteBufUtil.getBytes(step(Unpooled.buffer().writeByte(version), Kind.NESTED_FLOW, 255)));
        }
        return seeds.stream();
    }

    private static ByteBuf step(ByteBuf out, Kind kind, int argument) {
        return out.writeByte(kind.ordinal()).writeByte(argument).writeByte(0);
    }

    @MethodSource("seeds")
    @FuzzTest
    void everyStepIsAnsweredAndNothingIsKept(byte[] input) {
        ByteBuf script = Unpooled.wrappedBuffer(input);
        int number = script.isReadable() ? script.readUnsignedByte() : 0;
        WireVersion version = WireVersion.values()[number % WireVersion.values().length];
        Dialogue peer = new Dialogue(version, MEMORY_BYTES, 0).greeted();
        try {
            for (int i = 0; i < MOST_STEPS && script.readableBytes() >= 3 && peer.channel.isOpen(); i++) {
                step(peer, version, script);
                assertThat(peer.shared.bundles().takenBytes())
                        .isBetween(0L, peer.shared.bundles().limitBytes());
                assertThat(peer.say(peer.message(Dialogue.ECHO_REQUEST, XID, body -> {})))
                        .anyMatch(answer -> answer.getUnsignedByte(Wire.TYPE_OFFSET) == Dialogue.ECHO_REPLY);
            }
        } finally {
            peer.close();
        }
        assertThat(peer.shared.bundles().takenBytes())
                .as("of a connection that is over")
                .isZero();
        if (!peer.failures.isEmpty()) {
            throw peer.failures.getFirst();
        }
    }

    private static void step(Dialogue peer, WireVersion version, ByteBuf script) {
        Kind kind = Kind.values()[script.readUnsignedByte() % Kind.values().length];
        int argument = script.readUnsignedByte();
        ByteBuf bytes = script.readSlice(Math.min(script.readUnsignedByte(), script.readableBytes()));
        switch (kind) {
            case MESSAGE -> peer.say(peer.message(argument, XID, body -> body.writeBytes(bytes)));
            case BUNDLE_CONTROL ->
                peer.say(bundleMessage(
                        peer,
                        version,
                        true,
                        body -> body.writeInt(argument >>> 4)
                                .writeShort(argument & 7)
                                .writeShort(bytes.isReadable() ? bytes.readUnsignedByte() : 0)));
            case BUNDLED_FLOW -> bundled(peer, version, argument, flow(peer, version, argument & 0xf, bytes));
            case BUNDLED_ANYTHING -> bundled(peer, version, argument, bytes);
            case FLOW -> peer.say(flow(peer, version, argument, bytes));
            case NESTED_FLOW -> peer.say(flow(peer, version, 0, Dialogue.nestedCt(Math.max(1, argument * 10))));
            case PAUSE -> peer.advance(Duration.ofMillis(argument * 100L));
        }
    }

    private static void bundled(Dialogue peer, WireVersion version, int argument, ByteBuf message) {
        peer.say(bundleMessage(
                peer,
                version,
                false,
                body -> body.writeInt(argument >>> 4)
                        .writeShort(0)
                        .writeShort(0)
                        .writeBytes(message)));
    }

    private static ByteBuf bundleMessage(
            Dialogue peer, WireVersion version, boolean control, java.util.function.Consumer<ByteBuf> body) {
        MessageType type = switch (version) {
            case OF10, OF11, OF12, OF13 -> control ? MessageType.ONF_BUNDLE_CONTROL : MessageType.ONF_BUNDLE_ADD;
            case OF14, OF15 -> control ? MessageType.BUNDLE_CONTROL : MessageType.BUNDLE_ADD;
        };
        return type.number(version) == MessageNumber.NONE
                ? peer.message(Dialogue.ECHO_REQUEST, XID, none -> {})
                : peer.message(type, XID, body);
    }

    /** A flow with these bytes as its actions, under 1.0 in a flow modification of 1.3's that is then malformed. */
    private static ByteBuf flow(Dialogue peer, WireVersion version, int priority, ByteBuf actions) {
        if (MessageType.FLOW_MOD.number(version) == MessageNumber.NONE) {
            return peer.message(Dialogue.ECHO_REQUEST, XID, none -> {});
        }
        return peer.ipFlow(XID, priority, APPLY_ACTIONS, actions);
    }
}
