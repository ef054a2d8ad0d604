package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.OpenFlowSwitch.BucketStats;
import io.turnstile.pipeline.OpenFlowSwitch.GroupDescription;
import io.turnstile.pipeline.OpenFlowSwitch.GroupStats;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.GroupText;
import io.turnstile.pipeline.flow.GroupType;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Groups as Debian's ovs-ofctl says them. */
class GroupCodecTest {
    static List<RecordedMessage> recorded() {
        return RecordedMessage.of("groups.txt");
    }

    static GroupMod parsed(RecordedMessage message) throws FlowTextException {
        String name = message.command().replaceFirst(" .*", "");
        GroupMod.Command command = switch (name) {
            case "add-group" -> GroupMod.Command.ADD;
            case "mod-group" -> GroupMod.Command.ADD_OR_MODIFY;
            case "del-groups" -> GroupMod.Command.DELETE;
            case "insert-buckets" -> GroupMod.Command.INSERT_BUCKET;
            case "remove-buckets" -> GroupMod.Command.REMOVE_BUCKET;
            default -> throw new AssertionError(name);
        };
        return GroupText.parse(command, message.arguments());
    }

    @ParameterizedTest
    @MethodSource("recorded")
    void whatTheToolSendsIsReadAsItsWordsAre(RecordedMessage message) throws Exception {
        assertThat(GroupCodec.read(message.body(), message.version()))
                .usingRecursiveComparison()
                .ignoringFieldsMatchingRegexes(".*spelling") // under 1.0 mod_… and set_field are the same bytes
                .isEqualTo(parsed(message));
    }

    /** Under 1.0 a field is set by an action of its own only where the packet is known to have it. */
    @ParameterizedTest
    @MethodSource("recorded")
    void whatTheToolSendsIsWrittenAsItIs(RecordedMessage message) throws Exception {
        ByteBuf out = Unpooled.buffer();
        GroupCodec.write(out, parsed(message), message.version());
        if (message.version() == WireVersion.OF10 && message.command().contains("set_field")) {
            assertThat(GroupCodec.read(out, message.version()).buckets())
                    .hasSameSizeAs(parsed(message).buckets());
        } else {
            assertThat(ByteBufUtil.hexDump(out)).isEqualTo(ByteBufUtil.hexDump(message.body()));
        }
    }

    private static OfErrorCode refusal(String hex, WireVersion version) {
        ByteBuf in = Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex));
        OfException refused = catchThrowableOfType(OfException.class, () -> GroupCodec.read(in, version));
        return refused == null ? null : refused.code();
    }

    @Test
    void whatIsMalformedGetsTheErrorOfOpenVswitch() {
        assertThat(refusal("000000", WireVersion.OF13)).isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("0000040000000001", WireVersion.OF13)).isEqualTo(OfErrorCode.OFPGMFC_BAD_TYPE);
        assertThat(refusal("0007000000000001", WireVersion.OF13)).isEqualTo(OfErrorCode.OFPGMFC_BAD_COMMAND);
        assertThat(refusal("000000000000000100ff", WireVersion.OF13)).isEqualTo(OfErrorCode.OFPGMFC_BAD_BUCKET);
        String bucket = "00100000ffffffffffffffff00000000";
        assertThat(refusal("0002000000000001" + bucket, WireVersion.OF13)).isEqualTo(OfErrorCode.OFPGMFC_INVALID_GROUP);
        assertThat(refusal("0000000000000001" + bucket.replaceFirst("ffffffff", "fffeffff"), WireVersion.OF13))
                .isEqualTo(OfErrorCode.OFPGMFC_BAD_WATCH);
        assertThat(refusal("00000000000000010000000000000007", WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPGMFC_BAD_BUCKET);
        assertThat(refusal("000000000000000100100000ffffffff", WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPBRC_BAD_LEN);
        assertThat(refusal("000000000000000100100000ffffffff" + "00080000000000050008000000000005", WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPGMFC_BAD_BUCKET);
        assertThat(refusal("000001000000000100000000ffffffff" + "0001000800000000", WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPBPC_BAD_TYPE);
        String property = "ffff00280000154d0000000100000000" + "6d7967757900000000000000000000000000000000000000";
        assertThat(refusal("000001000000000100000000ffffffff" + property, WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPBPC_BAD_VALUE);
        assertThat(refusal("000000000000000100000000ffffffff" + property, WireVersion.OF15))
                .isEqualTo(OfErrorCode.OFPBPC_BAD_VALUE);
    }

    /** An entry's length has 16 bits, whatever the group has. */
    @ParameterizedTest
    @MethodSource("versions")
    void entryIsCutWhereItEnds(WireVersion version) {
        GroupBucket bucket = new GroupBucket(
                5, 1, OfAction.Ports.NONE, GroupMod.ANY, Collections.nCopies(10, new OfAction.Output(1)));
        GroupDescription large = new GroupDescription(1, GroupType.SELECT, Collections.nCopies(4096, bucket), null);
        ByteBuf out = Unpooled.buffer();
        GroupCodec.writeDescription(out, large, version);
        assertThat(out.readableBytes()).isBetween(0xf000, 0xffff).isEqualTo(out.getUnsignedShort(0));
        ByteBuf statistics = Unpooled.buffer();
        GroupCodec.writeStatistics(
                statistics, new GroupStats(1, 1, 1, 1, 1, Collections.nCopies(4096, new BucketStats(1, 2))), version);
        assertThat(statistics.readableBytes()).isBetween(0xf000, 0xffff).isEqualTo(statistics.getUnsignedShort(0));
    }

    static WireVersion[] versions() {
        return WireVersion.values();
    }
}
