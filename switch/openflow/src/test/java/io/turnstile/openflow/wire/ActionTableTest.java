package io.turnstile.openflow.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.turnstile.pipeline.flow.ActionForm;
import io.turnstile.pipeline.flow.ActionForm.Vendor;
import io.turnstile.pipeline.flow.ActionKind;
import io.turnstile.pipeline.flow.ActionSamples;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.FlowTextException;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every row that claims to be on the wire is read and written in each version that it claims. */
class ActionTableTest {

    record Claim(WireVersion version, ActionKind kind, ActionForm form) {}

    static List<Claim> claims() {
        List<Claim> claims = new ArrayList<>();
        for (WireVersion version : WireVersion.values()) {
            for (ActionKind kind : ActionKind.values()) {
                kind.forms().stream()
                        .filter(form -> form.isIn(version.code()))
                        .forEach(form -> claims.add(new Claim(version, kind, form)));
            }
        }
        return claims;
    }

    static OfAction sample(ActionKind kind, String text) {
        try {
            return kind == ActionKind.NAT
                    ? ((OfAction.Ct) FlowText.parseActions("ct(commit," + text + ")")
                                    .getFirst())
                            .exec()
                            .getFirst()
                    : FlowText.parseActions(text).getFirst();
        } catch (FlowTextException e) {
            throw new AssertionError(text, e);
        }
    }

    private static ByteBuf header(ActionForm form, int length) {
        ByteBuf action = Unpooled.buffer();
        ActionTable.start(action, form);
        action.writeZero(Math.max(0, length - action.readableBytes()));
        return action.setShort(2, length);
    }

    private static OfErrorCode refusal(ByteBuf actions, WireVersion version) {
        OfException refused = catchThrowableOfType(OfException.class, () -> ActionCodec.read(actions, version));
        return refused == null ? null : refused.code();
    }

    @ParameterizedTest
    @MethodSource("claims")
    void headerLeadsToItsRow(Claim claim) throws OfException {
        ByteBuf action = header(claim.form, claim.form.sizeBytes());
        assertThat(ActionTable.find(action, claim.version)).isEqualTo(new ActionTable.Entry(claim.kind, claim.form));
        assertThat(action.readableBytes()).isEqualTo(claim.form.sizeBytes());
    }

    @ParameterizedTest
    @MethodSource("claims")
    void otherLengthsAreRefused(Claim claim) {
        int size = claim.form.sizeBytes();
        for (int wrong : new int[] {0, 4, size - 8, size + 4, claim.form.mayBeLonger() ? size - 1 : size + 8}) {
            assertThat(refusal(header(claim.form, wrong).writeZero(16), claim.version))
                    .as(claim + " of " + wrong)
                    .isEqualTo(OfErrorCode.OFPBAC_BAD_LEN);
        }
    }

    @ParameterizedTest
    @MethodSource("claims")
    void samplesComeBackAsTheyWere(Claim claim) throws Exception {
        for (String text : ActionSamples.of(claim.kind)) {
            List<OfAction> written = List.of(sample(claim.kind, text));
            ByteBuf out = Unpooled.buffer();
            ActionCodec.write(out, written, Match.ANY, claim.version);
            byte[] first = ByteBufUtil.getBytes(out);
            List<OfAction> read = ActionCodec.read(out, claim.version);
            assertThat(first).as(text).isNotEmpty();
            ByteBuf again = Unpooled.buffer();
            ActionCodec.write(again, read, Match.ANY, claim.version);
            assertThat(ByteBufUtil.hexDump(again)).isEqualTo(ByteBufUtil.hexDump(first));
            if (claim.kind.withoutArguments() != null) {
                assertThat(read).isEqualTo(written);
                assertThat(first).hasSize(claim.form.sizeBytes());
            }
        }
    }

    @Test
    void unknownTypesAreRefusedBeforeTheirLengthIsLookedAt() {
        assertThat(refusal(
                        header(new ActionForm(Vendor.STANDARD, 77, 1, 6, 8, false), 3)
                                .writeZero(16),
                        WireVersion.OF13))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_TYPE);
        assertThat(refusal(
                        header(new ActionForm(Vendor.NICIRA, 7777, 1, 6, 16, false), 3)
                                .writeZero(16),
                        WireVersion.OF13))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_VENDOR_TYPE);
        assertThat(refusal(
                        header(new ActionForm(Vendor.ONF, 1, 1, 6, 16, false), 3)
                                .writeZero(16),
                        WireVersion.OF13))
                .isEqualTo(OfErrorCode.OFPBAC_BAD_VENDOR_TYPE);
    }
}
