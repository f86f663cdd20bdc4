import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.annotation.ConditionalUrlParam;
import ca.uhn.fhir.rest.annotation.Create;
import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.ResourceParam;
import ca.uhn.fhir.rest.annotation.Transaction;
import ca.uhn.fhir.rest.annotation.TransactionParam;
import ca.uhn.fhir.rest.annotation.Update;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.server.IResourceProvider;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.UnprocessableEntityException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.instance.model.api.IBaseOperationOutcome;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Identifier;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Patient;

/**
 * HAPI FHIR as the other side of FHIR's REST interface. `client BASE` makes requests there and prints what it understands of each
 * answer; `server` listens on a free port, prints it, keeps patients in memory, refuses those called BAD, prints a line for
 * each that it keeps (`create ID FAMILY`, `update ID FAMILY`, `found ID FAMILY`), and ends with its input.
 */
public class HapiFhirPeer {
  static final FhirContext CONTEXT = FhirContext.forR4();
  static final String SYSTEM = "urn:oid:2.16.840.1.113883.19.5";

  public static void main(String[] args) throws Exception {
    if (args[0].equals("client")) send(args[1]);
    else serve();
    System.exit(0);
  }

  static void send(String base) {
    CONTEXT.getRestfulClientFactory().setSocketTimeout(10_000);
    IGenericClient client = CONTEXT.newRestfulGenericClient(base);
    Patient patient = patient("1", "Mu\u00f1oz");
    say("create", () -> client.create().resource(patient).execute());
    say("conditional create", () -> client.create().resource(patient).conditional()
        .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, "1")).execute());
    Patient known = patient("1", "Mu\u00f1oz");
    known.setId("Patient/p-1");
    say("update", () -> client.update().resource(known).execute());
    say("conditional update", () -> client.update().resource(patient).conditional()
        .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, "1")).execute());
    Bundle bundle = new Bundle().setType(Bundle.BundleType.TRANSACTION);
    bundle.addEntry().setResource(patient).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient");
    bundle.addEntry().setResource(known).getRequest().setMethod(Bundle.HTTPVerb.PUT).setUrl("Patient/p-1");
    Bundle answer = client.transaction().withBundle(bundle).execute();
    List<String> statuses = new ArrayList<>();
    for (Bundle.BundleEntryComponent entry : answer.getEntry()) statuses.add(entry.getResponse().getStatus());
    System.out.println("transaction " + answer.getType().toCode() + " " + String.join(", ", statuses));
    say("refused", () -> client.create().resource(patient("2", "BAD")).execute());
    say("read", () -> {
      client.read().resource(Patient.class).withId("p-1").execute();
      return null;
    });
  }

  interface Request {
    MethodOutcome make();
  }

  static void say(String name, Request request) {
    try {
      MethodOutcome outcome = request.make();
      String id = outcome.getId() == null || !outcome.getId().hasIdPart() ? "-" : outcome.getId().getIdPart();
      System.out.println(name + " " + outcome.getResponseStatusCode() + " " + id + " " + codeOf(outcome.getOperationOutcome()));
    } catch (BaseServerResponseException thrown) {
      System.out.println(name + " " + thrown.getStatusCode() + " - " + codeOf(thrown.getOperationOutcome()));
    }
  }

  static String codeOf(IBaseOperationOutcome outcome) {
    return outcome == null ? "-" : ((OperationOutcome) outcome).getIssueFirstRep().getCode().toCode();
  }

  static Patient patient(String number, String family) {
    Patient patient = new Patient();
    patient.addIdentifier().setSystem(SYSTEM).setValue(number);
    patient.addName().setFamily(family);
    return patient;
  }

  static void serve() throws Exception {
    Patients patients = new Patients();
    RestfulServer servlet = new RestfulServer(CONTEXT);
    servlet.setResourceProviders(patients);
    servlet.registerProvider(new Bundles(patients));
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    ServletContextHandler handler = new ServletContextHandler("/");
    handler.addServlet(new ServletHolder(servlet), "/fhir/*");
    server.setHandler(handler);
    server.start();
    System.out.println(connector.getLocalPort());
    while (System.in.read() >= 0) {}
  }

  /** Patients by id, found by identifier. */
  public static class Patients implements IResourceProvider {
    private final Map<String, Patient> kept = new LinkedHashMap<>();

    @Override
    public Class<? extends IBaseResource> getResourceType() {
      return Patient.class;
    }

    @Create
    public synchronized MethodOutcome create(@ResourceParam Patient patient, @ConditionalUrlParam String condition) {
      Patient found = find(condition);
      if (found != null) return said("found", found, false);
      patient.setId(new IdType("Patient", String.valueOf(kept.size() + 1), "1"));
      return keep("create", patient, true);
    }

    @Update
    public synchronized MethodOutcome update(@IdParam IdType id, @ResourceParam Patient patient, @ConditionalUrlParam String condition) {
      Patient found = condition == null ? kept.get(id.getIdPart()) : find(condition);
      String at = found != null ? found.getIdElement().getIdPart() : id != null ? id.getIdPart() : String.valueOf(kept.size() + 1);
      long version = found == null ? 1 : found.getIdElement().getVersionIdPartAsLong() + 1;
      patient.setId(new IdType("Patient", at, String.valueOf(version)));
      return keep("update", patient, found == null);
    }

    private MethodOutcome keep(String verb, Patient patient, boolean created) {
      if ("BAD".equals(patient.getNameFirstRep().getFamily())) {
        OperationOutcome outcome = new OperationOutcome();
        outcome.addIssue().setSeverity(OperationOutcome.IssueSeverity.ERROR).setCode(OperationOutcome.IssueType.BUSINESSRULE)
            .setDiagnostics("nobody is called BAD").addExpression("Patient.name[0].family");
        throw new UnprocessableEntityException(CONTEXT, outcome);
      }
      kept.put(patient.getIdElement().getIdPart(), patient);
      return said(verb, patient, created);
    }

    private static MethodOutcome said(String verb, Patient patient, boolean created) {
      System.out.println(verb + " " + patient.getIdElement().getIdPart() + " " + patient.getNameFirstRep().getFamily());
      return new MethodOutcome(patient.getIdElement(), created).setResource(patient);
    }

    /** By `Patient?identifier=system|value`. */
    private Patient find(String condition) {
      if (condition == null) return null;
      String token = URLDecoder.decode(condition.substring(condition.indexOf("identifier=") + 11), StandardCharsets.UTF_8);
      for (Patient patient : kept.values()) {
        Identifier identifier = patient.getIdentifierFirstRep();
        if ((identifier.getSystem() + "|" + identifier.getValue()).equals(token)) return patient;
      }
      return null;
    }
  }

  /** A batch entry by entry; a transaction as well, for one that is refused ends it. */
  public static class Bundles {
    private final Patients patients;

    Bundles(Patients patients) {
      this.patients = patients;
    }

    @Transaction
    public Bundle carryOut(@TransactionParam Bundle bundle) {
      boolean batch = bundle.getType() == Bundle.BundleType.BATCH;
      Bundle answer = new Bundle().setType(batch ? Bundle.BundleType.BATCHRESPONSE : Bundle.BundleType.TRANSACTIONRESPONSE);
      for (Bundle.BundleEntryComponent entry : bundle.getEntry()) {
        Bundle.BundleEntryResponseComponent response = answer.addEntry().getResponse();
        try {
          MethodOutcome outcome = carryOut(entry);
          response.setStatus(outcome.getCreated() ? "201 Created" : "200 OK").setLocation(outcome.getId().getValue());
        } catch (UnprocessableEntityException refused) {
          if (!batch) throw refused;
          response.setStatus("422 Unprocessable Entity").setOutcome((OperationOutcome) refused.getOperationOutcome());
        }
      }
      return answer;
    }

    private MethodOutcome carryOut(Bundle.BundleEntryComponent entry) {
      Bundle.BundleEntryRequestComponent request = entry.getRequest();
      Patient patient = (Patient) entry.getResource();
      if (request.getMethod() == Bundle.HTTPVerb.POST) {
        return patients.create(patient, request.hasIfNoneExist() ? "Patient?" + request.getIfNoneExist() : null);
      }
      boolean conditional = request.getUrl().contains("?");
      return patients.update(conditional ? null : new IdType(request.getUrl()), patient, conditional ? request.getUrl() : null);
    }
  }
}
