package io.turnstile.openflow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoopGroup;
import io.turnstile.openflow.MessageNumber.Space;
import io.turnstile.openflow.MessageType.Direction;
import io.turnstile.openflow.MessageType.Slave;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import io.turnstile.time.ManualClock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row of {@link MessageType} in every version that has it. */
class MessageTypeTest {
    private static final Set<OfErrorCode> UNKNOWN = Set.of(
            OfErrorCode.OFPBRC_BAD_TYPE,
            OfErrorCode.OFPBRC_BAD_STAT,
            OfErrorCode.OFPBRC_BAD_SUBTYPE,
            OfErrorCode.OFPBRC_BAD_VENDOR);

    private static EventLoopGroup group;
    private static BridgeAgent agent;

    record Spoken(MessageType type, WireVersion version) {}

    @BeforeAll
    static void start() {
        group = OpenFlowAgent.newEventLoop();
        agent = new OpenFlowAgent(group, new ManualClock(0, 0)).attach(new FakeSwitch());
    }

    @AfterAll
    static void stop() throws InterruptedException {
        agent.close();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }

    static Stream<Spoken> spoken() {
        return Stream.of(MessageType.values())
                .flatMap(type -> Stream.of(WireVersion.values())
                        .filter(version -> type.number(version) != MessageNumber.NONE)
                        .map(version -> new Spoken(type, version)));
    }

    static Stream<Spoken> received() {
        return spoken().filter(each -> each.type().direction() != Direction.TO_CONTROLLER);
    }

    static Stream<Spoken> sent() {
        return spoken().filter(each -> each.type().direction() != Direction.FROM_CONTROLLER);
    }

    /** The whole message with so many zero bytes as its content. */
    private static ByteBuf message(Spoken each, int bodyBytes) {
        WireVersion version = each.version();
        int number = each.type().number(version);
        ByteBuf out = Unpooled.buffer();
        int type = switch (each.type().space()) {
            case TYPE -> number;
            case NICIRA, ONF -> MessageNumber.EXPERIMENTER.in(version);
            case STATISTICS, NICIRA_STATISTICS, ONF_STATISTICS -> MessageNumber.STATISTICS_REQUEST.in(version);
        };
        Wire.startMessage(out, version, type, 1);
        switch (each.type().space()) {
            case TYPE -> {}
            case NICIRA -> out.writeInt(Wire.NICIRA).writeInt(number);
            case ONF -> out.writeInt(Wire.ONF).writeInt(number);
            case STATISTICS -> out.writeShort(number).writeZero(version.hasInstructions() ? 6 : 2);
            case NICIRA_STATISTICS ->
                out.writeShort(Wire.EXPERIMENTER)
                        .writeZero(version.hasInstructions() ? 6 : 2)
                        .writeInt(Wire.NICIRA)
                        .writeInt(number);
            case ONF_STATISTICS ->
                out.writeShort(Wire.EXPERIMENTER)
                        .writeZero(version.hasInstructions() ? 6 : 2)
                        .writeInt(Wire.ONF)
                        .writeInt(number);
        }
        out.writeZero(bodyBytes);
        Wire.endMessage(out, 0);
        return out;
    }

    /** The answers, or the error by which the request is refused. */
    private static List<ByteBuf> request(ByteBuf message, WireVersion version, Role role) throws OfException {
        OpenFlowConnection connection = new OpenFlowConnection(agent, false, 0, 0);
        connection.session().version = version;
        connection.session().role = role;
        List<ByteBuf> answers = new ArrayList<>();
        agent.dispatcher().handle(message, connection, new Reply() {
            @Override
            public WireVersion version() {
                return version;
            }

            @Override
            public int xid() {
                return 1;
            }

            @Override
            public ByteBuf buffer() {
                return Unpooled.buffer();
            }

            @Override
            public void send(ByteBuf answer) {
                answers.add(answer);
            }

            @Override
            public void sendGradually(LongReply reply) {
                boolean more = reply.proceed();
                assertThat(more).as("there is too little for two pieces").isFalse();
            }
        });
        return answers;
    }

    private static OfErrorCode refusal(ByteBuf message, WireVersion version, Role role) {
        OfException refused = catchThrowableOfType(OfException.class, () -> request(message, version, role));
        return refused == null ? null : refused.code();
    }

    @Test
    void everyRowIsSpokenInSomeVersionUnderALabelOfItsOwn() {
        Set<String> labels = new HashSet<>();
        for (MessageType type : MessageType.values()) {
            assertThat(spoken().anyMatch(each -> each.type() == type))
                    .as(type.label())
                    .isTrue();
            assertThat(labels.add(type.label())).as(type.label()).isTrue();
        }
    }

    @Test
    void aReceivedRowWithoutHandlerCannotBe() {
        assertThatThrownBy(() -> MessageType.checkReceived("OFPT_X", Direction.FROM_CONTROLLER, null))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("OFPT_X");
        assertThatThrownBy(() -> MessageType.checkReceived("OFPT_X", Direction.TO_CONTROLLER, (to, request) -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("OFPT_X");
    }

    @ParameterizedTest
    @MethodSource("received")
    void aReceivedRowIsFoundByItsNumberAndHandled(Spoken each) throws OfException {
        MessageType type = each.type();
        assertThat(MessageType.received(type.space(), each.version(), type.number(each.version())))
                .isSameAs(type);
        if (type == MessageType.TABLE_MOD) {
            return; // zeros are a valid one, which is done elsewhere: TableMessagesTest
        }
        // Zeros are seldom a valid request, but whatever answers them knows the message.
        OfErrorCode refused = refusal(message(each, type.minBodyBytes()), each.version(), Role.EQUAL);
        assertThat(UNKNOWN).as(type.label()).doesNotContain(refused == null ? OfErrorCode.OFPBRC_EPERM : refused);
    }

    /**
     * As {@code ovs-ofctl -O OpenFlow15 add-group} sends a bucket with {@code ct(nat(dst=10.1.1.2),commit,table=4)}.
     */
    @Test
    void aGroupWithBucketsIsRead() {
        ByteBuf select = Unpooled.wrappedBuffer(HexFormat.of()
                .parseHex("060f005800000006"
                        + "00000100000000ea00400000ffffffff"
                        + "0040003000000000"
                        + "ffff00300000232000230001000000000000040000000000"
                        + "ffff00180000232000240000000200010a01010200000000"
                        + "0000000800640000"));
        assertThat(refusal(select, WireVersion.OF15, Role.EQUAL)).isEqualTo(OfErrorCode.OFPGMFC_OUT_OF_GROUPS);
    }

    @ParameterizedTest
    @MethodSource("received")
    void aRequestThatIsTooShortIsRefused(Spoken each) {
        for (int bodyBytes = 0; bodyBytes < each.type().minBodyBytes(); bodyBytes++) {
            assertThat(refusal(message(each, bodyBytes), each.version(), Role.EQUAL))
                    .as("%s of %d bytes", each, bodyBytes)
                    .isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        }
    }

    @ParameterizedTest
    @MethodSource("received")
    void aSlaveMaySendWhatChangesNothing(Spoken each) {
        OfErrorCode refused = refusal(message(each, each.type().minBodyBytes()), each.version(), Role.SLAVE);
        if (each.type().slave() == Slave.MAY_NOT) {
            assertThat(refused).isEqualTo(OfErrorCode.OFPBRC_IS_SLAVE);
        } else {
            assertThat(refused).isNotEqualTo(OfErrorCode.OFPBRC_IS_SLAVE);
        }
    }

    @ParameterizedTest
    @MethodSource("sent")
    void aSentRowIsFramedUnderItsNumber(Spoken each) {
        ByteBuf out = Unpooled.buffer();
        MessageFraming.write(out, each.type(), each.version(), 7, body -> body.writeByte(0x55));
        ByteBuf expected = message(each, 1).setInt(Wire.XID_OFFSET, 7);
        expected.setByte(expected.writerIndex() - 1, 0x55);
        assertThat(out).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("received")
    void statisticsAreAnsweredUnderTheNumberOfTheRequest(Spoken each) throws OfException {
        boolean statistics = each.type().space() == Space.STATISTICS
                || each.type().space() == Space.NICIRA_STATISTICS
                || each.type().space() == Space.ONF_STATISTICS;
        if (!statistics) {
            return;
        }
        ByteBuf request = message(each, 0);
        ByteBuf out = Unpooled.buffer();
        MessageFraming.startStatistics(out, each.type(), each.version(), 1);
        int headBytes = request.readableBytes() - Wire.HEADER_BYTES;
        assertThat(out.getUnsignedByte(Wire.TYPE_OFFSET))
                .isEqualTo((short) (request.getUnsignedByte(Wire.TYPE_OFFSET) + 1));
        assertThat(out.slice(Wire.HEADER_BYTES, headBytes)).isEqualTo(request.slice(Wire.HEADER_BYTES, headBytes));
    }

    /** Each kind of unknown number has its own error. */
    @ParameterizedTest
    @MethodSource("versions")
    void whatHasNoRowIsRefusedByTheErrorOfItsKind(WireVersion version) {
        for (int number = 0; number < 256; number++) {
            boolean known = MessageType.received(Space.TYPE, version, number) != null
                    || number == MessageNumber.EXPERIMENTER.in(version)
                    || number == MessageNumber.STATISTICS_REQUEST.in(version);
            if (!known) {
                ByteBuf message = Unpooled.buffer();
                Wire.endMessage(message, Wire.startMessage(message, version, number, 1));
                assertThat(refusal(message, version, Role.EQUAL))
                        .as("type %d", number)
                        .isIn(OfErrorCode.OFPBRC_BAD_TYPE, OfErrorCode.OFPBRC_BAD_LEN);
            }
        }
        int experimenter = MessageNumber.EXPERIMENTER.in(version);
        assertThat(refusal(experimenter(version, experimenter, 0, Wire.NICIRA, 9999), version, Role.EQUAL))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_SUBTYPE);
        assertThat(refusal(experimenter(version, experimenter, 0, Wire.ONF, 9999), version, Role.EQUAL))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_SUBTYPE);
        assertThat(refusal(experimenter(version, experimenter, 0, Wire.ONF, 9999), version, Role.SLAVE))
                .isEqualTo(OfErrorCode.OFPBRC_IS_SLAVE);
        assertThat(refusal(experimenter(version, experimenter, 0, 0x1234, 1), version, Role.SLAVE))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_VENDOR);
        int statistics = MessageNumber.STATISTICS_REQUEST.in(version);
        int headBytes = version.hasInstructions() ? 8 : 4;
        assertThat(refusal(experimenter(version, statistics, headBytes, Wire.NICIRA, 9999), version, Role.EQUAL))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_SUBTYPE);
        assertThat(refusal(experimenter(version, statistics, headBytes, Wire.ONF, 9999), version, Role.EQUAL))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_SUBTYPE);
        assertThat(refusal(experimenter(version, statistics, headBytes, 0x1234, 1), version, Role.EQUAL))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_VENDOR);
        ByteBuf unknownStatistics =
                experimenter(version, statistics, headBytes, 0, 0).setShort(Wire.HEADER_BYTES, 0xfffe);
        assertThat(refusal(unknownStatistics, version, Role.EQUAL)).isEqualTo(OfErrorCode.OFPBRC_BAD_STAT);
    }

    static WireVersion[] versions() {
        return WireVersion.values();
    }

    /** @param headBytes of statistics, whose type is then the experimenter's */
    private static ByteBuf experimenter(WireVersion version, int type, int headBytes, int experimenter, int subtype) {
        ByteBuf out = Unpooled.buffer();
        Wire.startMessage(out, version, type, 1);
        if (headBytes > 0) {
            out.writeShort(Wire.EXPERIMENTER).writeZero(headBytes - 2);
        }
        out.writeInt(experimenter).writeInt(subtype);
        Wire.endMessage(out, 0);
        return out;
    }
}
