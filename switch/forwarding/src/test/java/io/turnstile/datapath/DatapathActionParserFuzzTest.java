package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Any text as datapath actions. */
class DatapathActionParserFuzzTest {
    static Stream<byte[]> seeds() {
        return Stream.of(
                        "1,2",
                        "set(ipv4(src=1.2.3.4/255.0.0.0)),clone(push_vlan(vid=1,pcp=2),3)",
                        "ct(commit,zone=1,nat(src=1.1.1.1-1.1.1.9:1-2,random)),recirc(0x1)",
                        "check_pkt_len(size=9,gt(hash(l4(1))),le(drop))")
                .map(text -> text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Whatever is read is printed as something that is read as the same. */
    @MethodSource("seeds")
    @FuzzTest
    void whatIsReadIsPrintedAndReadAgain(byte[] bytes) throws FlowSyntaxException {
        DatapathAction[] actions;
        try {
            actions = DatapathActionParser.parse(new String(bytes, StandardCharsets.ISO_8859_1), name -> -1);
        } catch (FlowSyntaxException e) {
            return;
        }
        String text = DatapathFlowText.actions(actions);
        if (text.contains("pop_vlan")) {
            return; // A rewritten tag is printed as two actions.
        }
        assertThat(DatapathFlowText.actions(DatapathActionParser.parse(text, name -> -1)))
                .isEqualTo(text);
    }
}
