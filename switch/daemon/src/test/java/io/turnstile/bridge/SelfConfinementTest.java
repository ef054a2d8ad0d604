package io.turnstile.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelfConfinementTest {
    private final SelfConfinement confinement = new SelfConfinement(Path.of("/run/sw"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tcp:10.0.0.1:6653",
                "ptcp:6653",
                "punix:/run/sw/br0.extra",
                "punix:/run//sw/br0.extra",
                "unix:/run/sw/controller.sock",
                "unix:/run/sw/deeper/controller.sock",
                "unix:controller.sock"
            })
    void controllersThatMayBe(String target) {
        assertThat(confinement.objectionToController("br0", target)).isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "punix:/etc/passwd",
                "punix:/run/sw/br1.extra",
                "punix:/run/sw/conf.db",
                "punix:/run/sw/br0.x/y",
                "punix:/run/sw/br0./../../../etc/passwd",
                "punix:br0.extra",
                "punix:"
            })
    void whereNoControllerIsListenedFor(String target) {
        assertThat(confinement.objectionToController("br0", target))
                .isEqualTo("Not adding Unix domain socket controller \"" + target + "\" due to possibility of "
                        + "overwriting local files. Instead, specify path in permitted format \"punix:/run/sw/br0.*\" "
                        + "or connect to \"unix:/run/sw/br0.mgmt\" (which is always available without special "
                        + "configuration).");
    }

    @ParameterizedTest
    @ValueSource(strings = {"unix:/run/docker.sock", "unix:/run/sw/../docker.sock", "unix:../docker.sock", "unix:"})
    void whatIsNotConnectedTo(String target) {
        assertThat(confinement.objectionToController("br0", target))
                .isEqualTo("Not connecting to socket controller \"" + target + "\" due to possibility for remote "
                        + "exploit.  Instead, specify socket in permitted directory \"unix:/run/sw/\" or connect to "
                        + "\"unix:/run/sw/br0.mgmt\" (which is always available without special configuration).");
    }

    @Test
    void aNameAloneIsMeantInTheRunDirectory() {
        assertThat(confinement.resolved("unix:c.sock")).isEqualTo("unix:/run/sw/c.sock");
        assertThat(confinement.resolved("unix:/run/sw/c.sock")).isEqualTo("unix:/run/sw/c.sock");
        assertThat(confinement.resolved("tcp:10.0.0.1")).isEqualTo("tcp:10.0.0.1");
    }

    @Test
    void managersStayInTheRunDirectory() {
        assertThat(confinement.objectionToManager("ptcp:6640")).isNull();
        assertThat(confinement.objectionToManager("punix:/run/sw/more.sock")).isNull();
        assertThat(confinement.objectionToManager("punix:/run/more.sock")).contains("\"punix:/run/sw/*\"");
        assertThat(confinement.objectionToManager("punix:/run/sw/a/more.sock")).isNotNull();
    }

    @Test
    void bridgesHaveNamesThatAreNoPaths() {
        assertThat(SelfConfinement.isBridgeName("br-int.1")).isTrue();
        for (String name : new String[] {"", "../../x", "a/b", "a\\b", "a\0b"}) {
            assertThat(SelfConfinement.isBridgeName(name)).as(name).isFalse();
        }
    }
}
