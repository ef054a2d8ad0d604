package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A controller that says anything. Whatever it asks for is answered, by an error if need be, and the next request is
 * answered too. Input: the bytes of a connection from the hello on.
 */
class OpenFlowConnectionFuzzTest {
    private static final int ECHO_XID = 0x7e57_ec40;
    private static final int ECHO_REQUEST = 2;
    private static final int ECHO_REPLY = 3;
    private static final int REQUESTFORWARD = 32;

    static Stream<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        for (WireVersion version : WireVersion.values()) {
            for (MessageType type : MessageType.values()) {
                ByteBuf out = Unpooled.buffer();
                Wire.endMessage(out, Wire.startMessage(out, version, 0, 1));
                request(out, type, version);
                seeds.add(ByteBufUtil.getBytes(out));
            }
        }
        seeds.add(nestedMessages());
        return seeds.stream();
    }

    /** OFPT_REQUESTFORWARD of another, which OpenFlowJ reads as deep as it goes. */
    private static byte[] nestedMessages() {
        ByteBuf out = Unpooled.buffer();
        Wire.endMessage(out, Wire.startMessage(out, WireVersion.OF15, 0, 1));
        for (int length = 2000; length >= Wire.HEADER_BYTES; length -= Wire.HEADER_BYTES) {
            out.writeByte(WireVersion.OF15.code())
                    .writeByte(REQUESTFORWARD)
                    .writeShort(length)
                    .writeInt(2);
        }
        return ByteBufUtil.getBytes(out);
    }

    /** The message's head and some zeros. */
    private static void request(ByteBuf out, MessageType type, WireVersion version) {
        int number = type.number(version);
        if (number == MessageNumber.NONE) {
            return;
        }
        switch (type.space()) {
            case TYPE, NICIRA, ONF -> MessageFraming.write(out, type, version, 2, body -> body.writeZero(48));
            case STATISTICS, NICIRA_STATISTICS -> {
                int start = out.writerIndex();
                MessageFraming.startStatistics(out, type, version, 2);
                out.writeZero(48);
                out.setByte(start + Wire.TYPE_OFFSET, MessageNumber.STATISTICS_REQUEST.in(version));
                Wire.endMessage(out, start);
            }
        }
    }

    @MethodSource("seeds")
    @FuzzTest
    void theConnectionLives(byte[] input) {
        EmbeddedChannel channel = new EmbeddedChannel();
        channel.freezeTime(); // what is left for later turns is done at once
        List<RuntimeException> failures = new ArrayList<>();
        BridgeAgent agent =
                new OpenFlowAgent(channel.eventLoop(), new ManualClock(0, 0), failures::add).attach(new FakeSwitch());
        OpenFlowConnection connection = new OpenFlowConnection(agent, true, 0, OpenFlowConnection.GREETING_MS);
        channel.pipeline().addLast(new OpenFlowFramer(), connection);
        connection.channelActive(channel.pipeline().context(connection));
        channel.writeInbound(Unpooled.wrappedBuffer(input));
        if (channel.isOpen() && connection.isReady() && wholeMessages(input) == input.length) {
            assertThat(lastAnswer(channel, connection.session().version)).isEqualTo(ECHO_REPLY);
        }
        channel.finishAndReleaseAll();
        if (!failures.isEmpty()) {
            throw failures.getFirst();
        }
    }

    /** How many bytes messages are made of to the last whole one. */
    private static int wholeMessages(byte[] input) {
        ByteBuf bytes = Unpooled.wrappedBuffer(input);
        int at = 0;
        while (at + Wire.HEADER_BYTES <= input.length
                && bytes.getUnsignedShort(at + Wire.LENGTH_OFFSET) <= input.length - at) {
            at += bytes.getUnsignedShort(at + Wire.LENGTH_OFFSET);
        }
        return at;
    }

    /** Asks for an echo; the type of what is answered last. */
    private static int lastAnswer(EmbeddedChannel channel, WireVersion version) {
        ByteBuf echo = Unpooled.buffer();
        Wire.endMessage(echo, Wire.startMessage(echo, version, ECHO_REQUEST, ECHO_XID));
        channel.writeInbound(echo);
        int type = -1;
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            assertThat(out.getUnsignedShort(Wire.LENGTH_OFFSET)).isLessThanOrEqualTo(out.readableBytes());
            type = out.getInt(Wire.XID_OFFSET) == ECHO_XID ? out.getUnsignedByte(Wire.TYPE_OFFSET) : type;
            out.release();
        }
        return type;
    }
}
