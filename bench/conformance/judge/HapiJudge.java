import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;

/**
 * HAPI FHIR's instance validator with the definitions of R4, and no network: reads resources as JSON, one a line, and writes
 * a line for each, in the order in which they are done: its number from 0 and what is wrong with it. Ends with its input.
 * `HapiJudge THREADS`.
 */
public class HapiJudge {
  /** Some take line separators of Unicode for the end of a line. */
  static final JsonMapper JSON = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  public static void main(String[] args) throws Exception {
    int threads = Integer.parseInt(args[0]);
    FhirValidator validator = validator();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    Semaphore room = new Semaphore(threads * 2);
    int number = 0;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String resource = line;
      int at = number++;
      room.acquire();
      workers.execute(() -> {
        try {
          String verdict = JSON.writeValueAsString(judge(validator, at, resource));
          synchronized (out) {
            out.println(verdict);
            out.flush();
          }
        } catch (Throwable thrown) {
          // A judge that fails must not be taken for one that finds nothing.
          thrown.printStackTrace();
          Runtime.getRuntime().halt(1);
        } finally {
          room.release();
        }
      });
    }
    workers.shutdown();
    workers.awaitTermination(1, TimeUnit.HOURS);
    System.exit(0);
  }

  static FhirValidator validator() {
    FhirContext context = FhirContext.forR4();
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
    unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
    ValidationSupportChain chain = new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        new InMemoryTerminologyServerValidationSupport(context),
        new CommonCodeSystemsTerminologyService(context),
        new SnapshotGeneratingValidationSupport(context),
        unknown);
    FhirInstanceValidator module = new FhirInstanceValidator(chain);
    module.setAnyExtensionsAllowed(true);
    module.setErrorForUnknownProfiles(false);
    module.setNoExtensibleWarnings(true);
    module.setBestPracticeWarningLevel(BestPracticeWarningLevel.Ignore);
    return context.newValidator().registerValidatorModule(module);
  }

  static ObjectNode judge(FhirValidator validator, int at, String resource) {
    ObjectNode verdict = JSON.createObjectNode().put("at", at);
    ArrayNode issues = verdict.putArray("issues");
    for (SingleValidationMessage message : validator.validateWithResult(resource).getMessages()) {
      issues.addObject()
          .put("severity", message.getSeverity().getCode())
          .put("id", message.getMessageId())
          .put("path", message.getLocationString())
          .put("message", message.getMessage());
    }
    return verdict;
  }
}
