package io.turnstile.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.offload.spi.OffloadProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the plug-in folder can have in it that is no working provider, and what is said of it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PluginFaultsTest {
    private static final long PATIENCE_NS = TimeUnit.MILLISECONDS.toNanos(1500);
    private static final String CARD = "acme.Card\n";
    private static final String HANG = "io.turnstile.offload.PluginGate.pass();";

    @TempDir
    Path folder;

    @BeforeEach
    void shutTheGate() {
        PluginGate.shut();
    }

    @AfterEach
    void letHangingOnesGo() {
        PluginGate.open();
    }

    private ProviderRegistry discover() {
        return ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder, Set.of(), PATIENCE_NS);
    }

    private void write(String name, TestJar jar) {
        jar.writeTo(folder.resolve(name));
    }

    private static TestJar card(String members) {
        return new TestJar().services(CARD).provider("Card", "card", members);
    }

    /** What is said of a jar alone in the folder. */
    private String faultOf(TestJar jar) {
        write("acme.jar", jar);
        ProviderRegistry registry = discover();
        assertThat(registry.names()).isEmpty();
        assertThat(registry.faults()).hasSize(1);
        return registry.faults().getFirst();
    }

    // ---- jars that bring nothing ----

    @Test
    void aFileThatIsNoJarIsNamed() throws IOException {
        Files.createFile(folder.resolve("a-empty.jar"));
        Files.writeString(folder.resolve("b-text.jar"), "this is no jar");
        Files.createDirectory(folder.resolve("c-folder.jar"));
        byte[] whole = Files.readAllBytes(card("").writeTo(folder.resolve("d-torn.jar")));
        Files.write(folder.resolve("d-torn.jar"), Arrays.copyOf(whole, whole.length / 2));
        assertThat(discover().faults())
                .satisfiesExactly(
                        fault -> assertThat(fault).startsWith("a-empty.jar: is no jar: "),
                        fault -> assertThat(fault).startsWith("b-text.jar: is no jar: "),
                        fault -> assertThat(fault).isEqualTo("c-folder.jar: is no jar: not a file"),
                        fault -> assertThat(fault).startsWith("d-torn.jar: is no jar: "));
    }

    @Test
    void aMissingEmptyOrGarbledServicesFileIsNamed() {
        String services = TestJar.SERVICES;
        assertThat(faultOf(new TestJar().provider("Card", "card", "")))
                .isEqualTo("acme.jar: names no provider: " + services + " is missing");
        assertThat(faultOf(new TestJar().services("# nobody\n\n")))
                .isEqualTo("acme.jar: names no provider: " + services + " is empty");
        assertThat(faultOf(new TestJar().services("acme card!")))
                .isEqualTo("acme.jar: \"acme card!\" in " + services + " is no class name");
        assertThat(faultOf(new TestJar().services("x\n".repeat(100_000)))).contains("is larger than");
    }

    @Test
    void aClassThatCannotBeUsedIsNamedWithTheReason() {
        assertThat(faultOf(new TestJar().services("acme.Absent"))).isEqualTo("acme.jar: acme.Absent is not in it");
        assertThat(faultOf(new TestJar().services("acme.Plain").code("Plain", "package acme; public class Plain {}")))
                .isEqualTo("acme.jar: acme.Plain is no OffloadProvider");
        assertThat(faultOf(card("private Card() {}")))
                .isEqualTo("acme.jar: acme.Card has no public constructor without parameters");
        assertThat(faultOf(card("public Card(int slots) {}")))
                .isEqualTo("acme.jar: acme.Card has no public constructor without parameters");
        TestJar hidden = new TestJar()
                .services("acme.Hidden")
                .code(
                        "Hidden",
                        "package acme; abstract class Hidden implements io.turnstile.offload.spi.OffloadProvider {}");
        assertThat(faultOf(hidden)).isEqualTo("acme.jar: acme.Hidden is not public");
        assertThat(faultOf(new TestJar().services(ScriptedProvider.class.getName())))
                .isEqualTo("acme.jar: " + ScriptedProvider.class.getName() + " is not in it: it is the switch's own");
    }

    @Test
    void aClassOfANewerJavaOrWithoutItsLibraryOrTornIsNamed() {
        String file = "acme/Card.class";
        TestJar newer = card("");
        newer.content(file)[7] = (byte) 0xf0; // the class file's major version
        assertThat(faultOf(newer)).startsWith("acme.jar: acme.Card was compiled for a newer Java than this one, ");
        TestJar lacking = card("public static class Part {} public final Part part = new Part();")
                .without("acme/Card$Part.class");
        assertThat(faultOf(lacking)).contains("acme.Card", "acme/Card$Part");
        assertThat(faultOf(card("").entry(file, "no class".getBytes(StandardCharsets.UTF_8))))
                .startsWith("acme.jar: acme.Card cannot be loaded: java.lang.ClassFormatError");
    }

    @Test
    void whatConstructorsInitialisersAndNamesThrowIsSaid() {
        assertThat(faultOf(card("public Card() { throw new IllegalStateException(\"no device\"); }")))
                .startsWith(
                        "acme.jar: acme.Card: its constructor failed with java.lang.IllegalStateException: no device"
                                + " at acme.Card.<init>:");
        assertThat(faultOf(card("static final int SLOTS = Integer.parseInt(\"many\");")))
                .contains("its constructor failed with java.lang.NumberFormatException: For input string: \"many\"");
        assertThat(faultOf(card("public Card() { throw new OutOfMemoryError(\"scripted\"); }")))
                .contains("java.lang.OutOfMemoryError: scripted");
        assertThat(faultOf(card("public Card() { new Card(); }"))).contains("java.lang.StackOverflowError");
        assertThat(faultOf(card("public int priority() { throw new Error(\"none\"); }")))
                .isEqualTo("acme.jar: acme.Card: its priority failed with java.lang.Error: none");
        assertThat(faultOf(new TestJar().services(CARD).provider("Card", "Not a name", "")))
                .isEqualTo("acme.jar: acme.Card: a name is lower case letters, digits, - and _, and not \"none\"");
    }

    @Test
    void ofTwoProvidersInAJarTheGoodOneStays() {
        write("acme.jar", card("").services("acme.Absent\nacme.Card"));
        ProviderRegistry registry = discover();
        assertThat(registry.names()).containsExactly("card");
        assertThat(registry.faults()).containsExactly("acme.jar: acme.Absent is not in it");
    }

    @Test
    void theSecondOfANameIsNamed() {
        write("a.jar", card(""));
        write("b.jar", card(""));
        ProviderRegistry registry = discover();
        assertThat(registry.names()).containsExactly("card");
        assertThat(registry.faults()).containsExactly("b.jar: there is another provider of the name card");
    }

    @Test
    void ofVeryManyFaultsOfAJarTheFirstAreNamed() {
        StringBuilder services = new StringBuilder(CARD);
        for (int i = 0; i < 500; i++) {
            services.append("A").append(i).append('\n');
        }
        write("acme.jar", card("").services(services.toString()));
        write("other.jar", new TestJar().services("acme.Absent"));
        ProviderRegistry registry = discover();
        assertThat(registry.names()).containsExactly("card");
        assertThat(registry.faults())
                .hasSize(FaultLines.CAPACITY + 2)
                .startsWith("acme.jar: A0 is not in it")
                .endsWith("acme.jar: and 484 more", "other.jar: acme.Absent is not in it");
    }

    @Test
    void aRescanShowsFailuresAsLongAsTheyStay() throws IOException {
        ProviderRegistry registry = discover();
        write("acme.jar", new TestJar().services("acme.Absent"));
        String text = "added: -\nremoved: -\nkept: -\nfailed: acme.jar: acme.Absent is not in it\n";
        assertThat(registry.rescan()).hasToString(text);
        assertThat(registry.rescan()).hasToString(text);
        Files.delete(folder.resolve("acme.jar"));
        write("acme.jar", card(""));
        assertThat(registry.rescan()).hasToString("added: card\nremoved: -\nkept: -\n");
        assertThat(registry.faults()).isEmpty();
    }

    // ---- jars that hang ----

    private static List<Thread> loadingThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("offload-load-"))
                .toList();
    }

    @Test
    void whatHangsIsLeftOutWithItsPlaceAndAllTogetherAreWaitedForOnce() {
        write("a.jar", card("public Card() { " + HANG + " }"));
        write("b.jar", card("static { " + HANG + " }"));
        write("c.jar", card("public int priority() { " + HANG + " return 0; }"));
        write("good.jar", new TestJar().services("acme.Good").provider("Good", "good", ""));
        long startNs = System.nanoTime();
        ProviderRegistry registry = discover();
        assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isLessThan(Duration.ofNanos(2 * PATIENCE_NS));
        assertThat(registry.names()).containsExactly("good");
        assertThat(registry.faults())
                .satisfiesExactly(
                        fault -> assertThat(fault)
                                .startsWith("a.jar: its constructor has not returned within 1500 ms, is at "),
                        fault -> assertThat(fault).startsWith("b.jar: its constructor has not returned"),
                        fault -> assertThat(fault).startsWith("c.jar: its name has not returned"));
    }

    @Test
    void oneThatHangsCostsOneThreadAndIsWaitedForOnce() {
        write("acme.jar", card("public Card() { " + HANG + " }"));
        ProviderRegistry registry = discover();
        assertThat(loadingThreads()).hasSize(1);
        long startNs = System.nanoTime();
        for (int i = 0; i < 10; i++) {
            assertThat(registry.rescan().failed()).hasSize(1);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isLessThan(Duration.ofNanos(PATIENCE_NS));
        assertThat(loadingThreads()).hasSize(1);
    }

    @Test
    void oneThatComesLateCountsAtTheNextLook() throws InterruptedException {
        write("acme.jar", card("public Card() { " + HANG + " }"));
        ProviderRegistry registry = discover();
        List<Thread> hanging = loadingThreads();
        PluginGate.open();
        for (Thread thread : hanging) {
            thread.join();
        }
        assertThat(registry.rescan()).hasToString("added: card\nremoved: -\nkept: -\n");
    }

    @Test
    void providersGivenByHandAreAskedOnAThreadOfTheirOwnToo() {
        OffloadProvider hanging = new ScriptedProvider("beta") {
            @Override
            public int priority() {
                PluginGate.pass();
                return 0;
            }
        };
        ProviderRegistry registry = ProviderRegistry.of(List.of(new ScriptedProvider("alpha"), hanging), PATIENCE_NS);
        assertThat(registry.names()).containsExactly("alpha");
        assertThat(registry.faults()).singleElement().asString().startsWith("provider 2: its name has not returned");
    }

    // ---- providers that want to be named ----

    @Test
    void whoWantsToBeNamedIsNotTakenByDefault() {
        write("a.jar", card(""));
        write("good.jar", new TestJar().services("acme.Good").provider("Good", "good", ""));
        ProviderRegistry registry =
                ProviderRegistry.discover(TestJar.classPathWithoutProviders(), folder, Set.of("card"), PATIENCE_NS);
        assertThat(registry.names()).containsExactlyInAnyOrder("card", "good");
        assertThat(registry.inOrder("")).extracting(NamedProvider::name).containsExactly("good");
        assertThat(registry.inOrder("good")).extracting(NamedProvider::name).containsExactly("good");
        assertThat(registry.inOrder("card")).extracting(NamedProvider::name).containsExactly("card", "good");
        assertThat(registry.inOrder("card,none"))
                .extracting(NamedProvider::name)
                .containsExactly("card");
    }
}
